/** Why the text of a file could not be had. `outside` also stands for every path that leads over a symbolic link. */
export type ProblemCode = 'unreadable' | 'vanished' | 'not_utf8' | 'too_large' | 'outside'

/** A file that the scan met and could not use. It is a finding, never a crash. */
export interface Problem {
  /** Relative to the scan root, `/` between segments. */
  readonly path: string
  readonly code: ProblemCode
}
