import { ParallelExecutor } from '@x/dag-executor'
import type { Contender, Group, Measure } from '../discipline.js'
import { randomNumbers } from '../statistics.js'

/** A task that only waits: milliseconds, and the ids of those it depends on. */
type Waits = Readonly<Record<string, { readonly ms: number; readonly after: readonly string[] }>>

const fixtures: Readonly<Record<string, () => Waits>> = {
  'staggered chains': () => chains([10, 25, 40].map((ms) => [ms, 60 - ms, ms, 60 - ms, ms, 5])),
  'alternating chains': () => chains([0, 1].map((phase) => range(10).map((i) => ((i + phase) % 2 === 0 ? 40 : 2)))),
  'log-normal layers': layers,
  'research agent': researchAgent,
}

/** Milliseconds of one pass on the clock: what is compared is waiting, not work. */
const elapsed: Measure = async (workload, { measurement }) => {
  await workload.check()
  const passes = Math.ceil(measurement / 100)
  const start = performance.now()
  for (let pass = 0; pass < passes; pass += 1) {
    const checksum = await workload.pass()
    if (checksum !== workload.expected) throw new Error(`Expected the checksum ${workload.expected}, got ${checksum}`)
  }
  return (performance.now() - start) / passes
}

export const makespan: Group = {
  name: 'makespan',
  unit: 'ms on the clock',
  measure: elapsed,
  cases: Object.entries(fixtures).map(([name, create]) => ({
    name,
    contenders: { execute: waiting(create, execute), 'by hand': waiting(create, byHand) },
  })),
  ratios: [
    {
      name: 'execute ÷ by hand',
      dividend: 'execute',
      divisor: 'by hand',
      budgets: [{ of: 'each', must: 'be at most', gate: 1.03 }],
    },
  ],
}

/** Counts the tasks that waited as long as they should. */
function waiting(create: () => Waits, run: (waits: Waits, wait: (ms: number) => Promise<number>) => Promise<number>) {
  const make: Contender = (scale) => {
    const waits = Object.fromEntries(
      Object.entries(create()).map(([id, { ms, after }]) => [id, { ms: ms * scale, after }]),
    )
    const units = Object.keys(waits).length
    const pass = () => run(waits, (ms) => new Promise((resolve) => setTimeout(resolve, ms, 1)))
    const check = async () => {
      let now = 0
      const ends = new Map<string, number>()
      for (const [id, { ms, after }] of Object.entries(waits)) {
        ends.set(id, ms + Math.max(0, ...after.map((other) => ends.get(other)!)))
        now = Math.max(now, ends.get(id)!)
      }
      const start = performance.now()
      await pass()
      // Timers may fire up to a millisecond early, as they count from a rounded time.
      const took = performance.now() - start
      if (took < now - units) throw new Error(`Expected at least ${now} ms, got ${took}`)
    }
    return { units, expected: units, pass, check }
  }
  return make
}

async function execute(waits: Waits, wait: (ms: number) => Promise<number>): Promise<number> {
  const tasks = Object.entries(waits).map(([id, { ms, after }]) => ({
    id,
    tool: 'wait',
    dependsOn: after,
    arguments: { ms },
  }))
  const executor = new ParallelExecutor({ tools: { wait: ({ ms }: { ms: number }) => wait(ms) } })
  const { results } = await executor.execute({ tasks })
  return results.reduce((sum, { output }) => sum + Number(output), 0)
}

async function byHand(waits: Waits, wait: (ms: number) => Promise<number>): Promise<number> {
  const ends = new Map<string, Promise<number>>()
  for (const [id, { ms, after }] of Object.entries(waits)) {
    ends.set(
      id,
      Promise.all(after.map((other) => ends.get(other))).then(() => wait(ms)),
    )
  }
  return (await Promise.all(ends.values())).reduce((sum, one) => sum + one, 0)
}

function chains(durations: readonly (readonly number[])[]): Waits {
  const entries = durations.flatMap((chain, at) =>
    chain.map((ms, i) => [`${at}.${i}`, { ms, after: i === 0 ? [] : [`${at}.${i - 1}`] }] as const),
  )
  return Object.fromEntries(entries)
}

/** Six layers of eight, each task after two of the layer before. */
function layers(): Waits {
  const random = randomNumbers(1)
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const entries = range(6).flatMap((layer) =>
    range(8).map((at) => {
      const after = layer === 0 ? [] : [`${layer - 1}.${at}`, `${layer - 1}.${(at + 3) % 8}`]
      return [`${layer}.${at}`, { ms: Math.ceil(Math.exp(2.5 + gauss())), after }] as const
    }),
  )
  return Object.fromEntries(entries)
}

function researchAgent(): Waits {
  const branches = [60, 15, 125, 35].flatMap((ms, i) => [
    [`search${i}`, { ms, after: ['plan'] }] as const,
    [`read${i}`, { ms: 150 - ms, after: [`search${i}`] }] as const,
    [`note${i}`, { ms: 8, after: [`read${i}`] }] as const,
  ])
  return {
    plan: { ms: 40, after: [] },
    ...Object.fromEntries(branches),
    draft: { ms: 75, after: range(4).map((i) => `note${i}`) },
    check: { ms: 20, after: ['draft', 'search2'] },
  }
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}
