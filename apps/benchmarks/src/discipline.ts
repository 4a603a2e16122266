/** A field of measurement, such as the protocol or the server: the word after `npm run bench --`. */
export interface Discipline {
  readonly title: string
  readonly groups: readonly Group[]
  /**
   * How many times as long as usual the contenders need to be compiled: more code takes more passes to get to its speed.
   * @default 1
   */
  readonly warmUpFactor?: number
  /**
   * How many times as long as usual the measurement takes: a pass that takes long needs more of it.
   * @default 1
   */
  readonly measurementFactor?: number
}

/** Cases that are measured alike and compared alike: one table. */
export interface Group {
  readonly name: string
  /** What the numbers count. */
  readonly unit: string
  readonly measure: Measure
  readonly cases: readonly Case[]
  readonly ratios: readonly Ratio[]
}

export interface Case {
  readonly name: string
  /** By name; the names, and their order, are those of every case of the group. */
  readonly contenders: Readonly<Record<string, Contender>>
}

/** Makes ready what is measured, in a process of its own. A `scale` below 1 asks for less of the same work, for tests. */
export type Contender = (scale: number) => Workload | Promise<Workload>

export interface Workload {
  /** What one pass works off: events, frames. */
  readonly units: number
  /** The work. Returns a checksum of what came of it, cheap enough to be a part of what is measured. */
  readonly pass: () => number | Promise<number>
  /** The checksum that each pass must return; not taken from the contender. */
  readonly expected: number
  /** Compares everything that a pass produces with what it must be. Not measured. @throws Error where they differ. */
  readonly check: () => void | Promise<void>
  /** What the passes since the last call saw, where that is the figure and not what they cost: a delay. */
  readonly observed?: () => number
  /** Gives back what it holds: servers, processes. */
  readonly close?: () => void
}

/** Runs in the process of the contender; returns its figure in the unit of the group. */
export type Measure = (workload: Workload, limits: Limits) => Promise<number>

export interface Limits {
  /** Milliseconds of CPU time before the measurement. */
  readonly warmUp: number
  /** Milliseconds of CPU time that the measurement takes at least. */
  readonly measurement: number
}

/** The figure of one contender divided by that of another, pair by pair, or by a number. */
export interface Ratio {
  readonly name: string
  readonly dividend: string
  readonly divisor: string | number
  readonly budgets: readonly Budget[]
}

export interface Budget {
  /** The median over the cases of the group, or each case by itself. */
  readonly of: 'median' | 'each'
  readonly must: 'be at least' | 'be at most'
  readonly gate: number
  /** Where it should get to; not checked. */
  readonly aim?: number
}
