import { execFile } from 'node:child_process'
import pLimit from 'p-limit'

/**
 * Settings of a repository are its author's, who may not be trusted: nothing it names may run, and nothing is fetched.
 */
const safeSettings = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.untrackedCache=false',
  'core.excludesFile=',
  'core.pager=cat',
  'protocol.allow=never',
  'log.showSignature=false',
].flatMap((setting) => ['-c', setting])

const timeout = 10_000

/** Processes at a time, of all scans together: a graph may hold a thousand tasks that ask git. */
const atOnce = pLimit(4)

export interface GitOptions {
  readonly signal: AbortSignal
  /** More output than this counts as no answer. */
  readonly maxBytes: number
}

/**
 * What `git` says in `directory`; `undefined` where it says nothing: no git, no repository, one of another owner, no
 * answer within 10 s, or too long an answer.
 *
 * @throws the reason of `signal`.
 */
export function git(
  directory: string,
  parameters: readonly string[],
  { signal, maxBytes }: GitOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return atOnce(() => run(directory, parameters, { signal, maxBytes }))
}

function run(
  directory: string,
  parameters: readonly string[],
  { signal, maxBytes }: GitOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    execFile(
      'git',
      ['--no-pager', '--no-optional-locks', '--literal-pathspecs', ...safeSettings, ...parameters],
      {
        cwd: directory,
        encoding: 'buffer',
        env: environment(),
        killSignal: 'SIGKILL',
        maxBuffer: maxBytes,
        signal,
        timeout,
        windowsHide: true,
      },
      (error, output) => {
        if (signal.aborted) reject(signal.reason)
        // A copy, because a buffer may be a part of Node's pool, which must not be transferred to a worker.
        else resolve(error ? undefined : new Uint8Array(output))
      },
    )
  })
}

/** Without the caller's GIT_* variables, which would name another repository (as they do inside a git hook). */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.toUpperCase().startsWith('GIT_'))
  return {
    ...Object.fromEntries(kept),
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  }
}
