import type { Drop, EventStreamError, StateChangeEvent, StreamGap } from '../index.js'

const maxFaults = 20

/** How a connection was lost, and what happens next. */
export function describeWait({ drop, delay = 0 }: StateChangeEvent): string {
  return `connection lost: ${drop ? describeDrop(drop) : 'unknown'}; next try in ${(delay / 1_000).toFixed(1)} s`
}

function describeDrop(drop: Drop): string {
  switch (drop.reason) {
    case 'end':
      return 'the response ended, and the stream has not'
    case 'network':
      return innermost(drop.error)
    case 'timeout':
      return 'no answer in time'
    case 'silence':
      return 'silent for too long'
    case 'mute':
      return 'an answer, but no byte of its body'
    case 'unstreamable':
      return 'no streaming body'
    case 'sleep':
    case 'pagehide':
      return 'this machine was asleep'
    case 'status':
      return `status ${drop.status}`
    default:
      return drop satisfies never
  }
}

export function describeGap({ missed, reason, oldest }: StreamGap): string {
  const what = missed === null ? 'events are missing' : `${missed} ${missed === 1 ? 'event is' : 'events are'} missing`
  return `gap (${reason}): ${what}${oldest === null ? '' : ` before ${oldest}`}`
}

export function describeError(error: EventStreamError): string {
  const cause = error.cause === undefined ? '' : ` (${innermost(error.cause)})`
  const drop = error.drop && error.drop.reason !== 'network' ? ` (${describeDrop(error.drop)})` : ''
  return `${error.message}${cause}${drop}`
}

/** The faults that a problem document lists (PROTOCOL.md §9), each with its place in the body. */
export function describeFaults({ problem }: EventStreamError): string[] {
  const faults: unknown = problem?.errors
  if (!Array.isArray(faults)) return []
  return faults
    .slice(0, maxFaults)
    .flatMap((fault: { readonly detail?: unknown; readonly pointer?: unknown } | null) => {
      if (typeof fault?.detail !== 'string') return []
      return typeof fault.pointer === 'string' ? `${fault.pointer}: ${fault.detail}` : fault.detail
    })
}

/** fetch says "fetch failed", and keeps the reason in a chain of causes. */
function innermost(error: unknown): string {
  let cause = error
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause
  if (!(cause instanceof Error)) return String(cause)
  return cause.message || (cause as NodeJS.ErrnoException).code || cause.name
}
