import type { Input, Transport } from './machine.js'
import { parseProblem } from './problem.js'
import { readRetryAfter, type StatusPolicy } from './status-policy.js'

const maxProblemBytes = 65_536

/** What an answer is by its head: how its body is to be read, or the connection's last word. */
export async function judgeAnswer(
  { status, headers }: Response,
  statuses: StatusPolicy,
  transport: Transport | 'auto',
  now: number,
  readText: (maxBytes: number) => Promise<string | undefined>,
): Promise<Transport | Input> {
  // Parameters do not count: the format is always UTF-8 (HTML standard §9.2.5).
  const [essence = ''] = (headers.get('content-type') ?? '').split(';')
  const type = essence.trim().toLowerCase()
  const retryAfter = readRetryAfter(headers, now)
  let message = `The server answered ${status}`
  let problem: ReturnType<typeof parseProblem>
  if (status === 200) {
    if (type === 'text/event-stream') return 'sse'
    if (type === 'application/json' && transport !== 'sse') return 'poll'
    message += ` with type ${type || 'unknown'}, expected text/event-stream`
  } else {
    const verdict = statuses[status] ?? statuses[`${Math.floor(status / 100)}xx` as '5xx']
    if (verdict === 'end') return { type: 'finished' }
    if (verdict === 'retry') return { type: 'dropped', drop: { reason: 'status', status, retryAfter } }
    if (type === 'application/problem+json')
      problem = parseProblem(await readText(maxProblemBytes).catch(() => undefined))
    const reason = problem?.detail ?? problem?.title
    if (reason) message += `: ${reason}`
  }
  return reject(status, message, { problem, retryAfter })
}

/** The end of a stream whose server gives something else. */
export function reject(status: number, message: string, about?: object): Input {
  return { type: 'failed', failure: { code: 'rejected', message, status, ...about } }
}
