import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { encodeEvent } from '@x/sse-protocol'
import { onTestFinished } from 'vitest'

export const main = fileURLToPath(new URL('../../dist/command/main.js', import.meta.url))

/** A process, gone with the test, and what it wrote. */
export function start(program: string, words: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(program, words, { env: { PATH: process.env.PATH, ...environment } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  child.stdin.on('error', () => {})
  /** The moment at which standard output or standard error matches. */
  const shows = async (stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> => {
    while (!pattern.test(output[stream])) await once(child[stream], 'data')
  }
  const closed = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    lines: output.stdout.split('\n').filter(Boolean),
    notices: output.stderr.split('\n').filter(Boolean),
    ...output,
  }))
  return { child, output, shows, closed }
}

/** The command as a process of its own. */
export function run(words: readonly string[], environment?: Record<string, string>) {
  return start(process.execPath, [main, ...words], environment)
}

/** An event of the wire. */
export function event(type: string, sequence: number, data: unknown): string {
  return encodeEvent({ type, id: `k3v9-${sequence}`, data: JSON.stringify(data) })
}

/** What a stream of this protocol opens with. The retry is far longer than a test may last, unless that is given. */
export function opening(cursor = 'k3v9-0', retry = 600_000): string {
  const data = JSON.stringify({ timestamp: '2025-01-01T00:00:00.000Z', interval: 0, head: 'k3v9-9' })
  return `retry: ${retry}\n\n${encodeEvent({ type: 'heartbeat', id: cursor, data })}`
}
