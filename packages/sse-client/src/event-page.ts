import type { EventPage, ParsedEvent } from '@x/sse-protocol'

export interface ParsedPage {
  /** What is in the page, as it would come by an event stream. */
  readonly events: readonly ParsedEvent[]
  readonly lastEventId: string
  readonly hasGap: boolean
  readonly isLast: boolean
}

/**
 * Reads a page of a stream (PROTOCOL.md §7.2); `undefined` where the JSON is something else.
 *
 * @throws SyntaxError where the text is no JSON, as that of an answer that was cut.
 */
export function parsePage(text: string): ParsedPage | undefined {
  const { events, gap, lastEventId, done }: Partial<EventPage> = Object(JSON.parse(text))
  if (!Array.isArray(events) || typeof lastEventId !== 'string') return undefined
  if (
    events.some((event) => typeof event?.id !== 'string' || typeof event.type !== 'string' || !event.id || !event.type)
  )
    return undefined
  const parsed = events.map(({ id, type, data }) => ({ id, type, data: JSON.stringify(data ?? null), lastEventId: id }))
  const control = gap ? [{ type: 'stream:gap', data: JSON.stringify(gap), lastEventId: '' }] : []
  return { events: [...control, ...parsed], lastEventId, hasGap: Boolean(gap), isLast: done === true }
}
