/** Some of the files of a scan, as a worker gets them. */
export interface FileBatch {
  /** A real path. */
  readonly root: string
  /** Relative to the root, and not to be trusted. */
  readonly paths: readonly string[]
}
