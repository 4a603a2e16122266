import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Tests run from the source, but no process can. */
const folder = import.meta.url.endsWith('.ts') ? '../../dist/' : './'
const program = fileURLToPath(new URL(`${folder}reader-process.js`, import.meta.url))

export interface Connect {
  readonly port: number
  /** Connections to open, beside those that are open. */
  readonly count: number
  /** Each reads one of these, in turn. */
  readonly streams: readonly string[]
  /** @default '1.1' */
  readonly version?: '1.0' | '1.1' | undefined
  /** A single byte, once in each frame that counts. */
  readonly mark: string
  /** The byte before each mark is the last digit of the frame's number on its connection. Otherwise the frames come by themselves. */
  readonly isNumbered: boolean
}

/** What the process of the readers is asked for. It answers each question before it gets the next. */
export type Question =
  | ({ readonly ask: 'connect' } & Connect)
  /** Resolves when all connections together got this many frames, since they were opened. */
  | { readonly ask: 'receive'; readonly total: number }
  /** Opens connections at once, waits until each got this many frames, and closes them. */
  | ({ readonly ask: 'replay'; readonly events: number } & Connect)
  /** From now on the first connection keeps its text, or the text that was kept. */
  | { readonly ask: 'keep' }
  | { readonly ask: 'text' }
  /** From now on the times of arrival of this many events are noted, on each connection. */
  | { readonly ask: 'clock'; readonly events: number }
  /** The delays of all these events on all connections, given when each was sent in nanoseconds: this quantile, in nanoseconds. */
  | { readonly ask: 'delay'; readonly sent: readonly number[]; readonly quantile: number }

export type Answer = { readonly answer: string | number } | { readonly error: string }

/**
 * Readers in a process of their own, so that what they do is not in the figures of the server. They read raw sockets and look for one
 * byte only; an event that is lost, doubled or out of order is an error of the next question.
 */
export class Readers {
  readonly #process: ChildProcess

  constructor() {
    this.#process = fork(program, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  }

  /** @throws Error where the readers saw anything but what they were to see. */
  async ask(question: Question): Promise<string | number> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const onExit = (): void => reject(new Error('The process of the readers ended'))
      this.#process.once('exit', onExit)
      this.#process.once('message', (message: Answer) => {
        this.#process.off('exit', onExit)
        resolve(message)
      })
      this.#process.send(question, (error) => error && reject(error))
    })
    if ('error' in answer) throw new Error(`The readers: ${answer.error}`)
    return answer.answer
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }
}
