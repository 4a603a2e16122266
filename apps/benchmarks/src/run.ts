import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Task } from './child.js'
import type { Discipline, Limits } from './discipline.js'

const child = fileURLToPath(new URL('./child.js', import.meta.url))

export interface RunOptions {
  readonly limits: Limits
  /** How often each contender is measured in each case: the number of pairs. */
  readonly rounds: number
  /** Called before each measurement. */
  readonly onTask?: ((task: Task, index: number, tasks: number) => void) | undefined
  /** Ends the process that is being measured, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The figures of one case: by contender, one for each round. */
export interface Figures {
  readonly group: string
  readonly case: string
  readonly figures: Readonly<Record<string, number[]>>
}

/** A process that did not come to a figure: its message has what the process wrote. */
export class MeasurementError extends Error {
  override readonly name = 'MeasurementError'
}

/**
 * Measures every contender of every case in each round, each time in a new process, one after the other.
 *
 * The figures of one round are a pair (or more): their processes ran back to back, so that what slows the machine for a while
 * slows both.
 *
 * @throws MeasurementError where a process fails; no figure is left out.
 */
export async function run(name: string, discipline: Discipline, options: RunOptions): Promise<Figures[]> {
  const { limits, rounds, signal, onTask } = options
  const found = discipline.groups.flatMap((group) =>
    group.cases.map((entry) => ({
      group: group.name,
      case: entry.name,
      figures: Object.fromEntries(Object.keys(entry.contenders).map((contender) => [contender, [] as number[]])),
    })),
  )
  const turns = schedule(found, rounds)
  for (const [index, { of, contender }] of turns.entries()) {
    signal?.throwIfAborted()
    const task = { discipline: name, group: of.group, case: of.case, contender, limits }
    onTask?.(task, index, turns.length)
    of.figures[contender]!.push(await measure(task, signal))
  }
  return found
}

/** Case by case within a round; who of a pair is first changes from round to round. */
export function schedule(cases: readonly Figures[], rounds: number): { of: Figures; contender: string }[] {
  return Array.from({ length: rounds }, (_, round) =>
    cases.flatMap((of) => {
      const contenders = Object.keys(of.figures)
      const first = round % contenders.length
      return [...contenders.slice(first), ...contenders.slice(0, first)].map((contender) => ({ of, contender }))
    }),
  ).flat()
}

function measure(task: Task, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const measured = spawn(process.execPath, [child, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'] })
    const end = () => void measured.kill('SIGKILL')
    process.once('exit', end)
    signal?.addEventListener('abort', end)
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      measured[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text
      })
    }
    measured.on('error', reject)
    measured.on('close', (code, killedBy) => {
      process.off('exit', end)
      signal?.removeEventListener('abort', end)
      const figure = Number(output.stdout)
      if (signal?.aborted) reject(signal.reason)
      else if (code === 0 && figure > 0 && figure < Infinity) resolve(figure)
      else {
        const how =
          code === null ? `was ended by ${killedBy}` : `ended with ${code} and the figure ${output.stdout || 'none'}`
        const what = `${task.group} / ${task.case} / ${task.contender}`
        reject(new MeasurementError(`${what}: the process ${how}\n${output.stderr}`.trimEnd()))
      }
    })
  })
}
