import { formatEventId, serialize } from '@x/sse-protocol'
import type { EventLog } from './event-log.js'
import { isAtEnd, type LocatedPage } from './position.js'

/** How much one page holds (PROTOCOL.md §7.2). */
export const pageLimits = { maxEvents: 10_000, maxBytes: 2 ** 20 }

/** A page as JSON (PROTOCOL.md §7.2). The data of the events is taken over as it is, without being parsed. */
export async function formatPage(log: EventLog, streamId: string, located: LocatedPage): Promise<string> {
  const { page, after, gap } = located
  const { epoch, entries } = page
  const last = entries.at(-1)
  const until = last?.sequence ?? after
  const done = isAtEnd({ page, after: until, gap })
  // A reader that is at the end already gets the terminal event's data once more.
  const terminal = done ? (last ?? (await log.read(streamId, page.head - 1, pageLimits))?.entries.at(-1)) : undefined
  const events = entries.map(
    ({ sequence, type, data }) =>
      `{"id":"${formatEventId(epoch, sequence)}","type":${JSON.stringify(type)},"data":${data}}`,
  )
  return [
    `{"events":[${events.join(',')}]`,
    `"lastEventId":"${formatEventId(epoch, until)}"`,
    `"done":${done}`,
    ...(gap === undefined ? [] : [`"gap":${serialize(gap)}`]),
    ...(terminal === undefined ? [] : [`"result":${terminal.data}`]),
  ]
    .join(',')
    .concat('}')
}
