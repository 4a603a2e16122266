import type { EventPage, ParsedEvent } from '@x/sse-protocol'

export interface ParsedPage {
  /** What is in the page, as it would come by an event stream. */
  readonly events: readonly ParsedEvent[]
  readonly lastEventId: string
  readonly isLast: boolean
}

/** Reads a page of a stream (PROTOCOL.md §7.2). @throws SyntaxError or TypeError where the text is none. */
export function parsePage(text: string): ParsedPage {
  const { events, gap, lastEventId, done }: EventPage = JSON.parse(text)
  const parsed = events.map(({ id, type, data }) => ({ id, type, data: JSON.stringify(data), lastEventId: id }))
  const control = gap ? [{ type: 'stream:gap', data: JSON.stringify(gap), lastEventId: '' }] : []
  return { events: [...control, ...parsed], lastEventId, isLast: done }
}
