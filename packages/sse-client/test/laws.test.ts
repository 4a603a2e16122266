import { encodeEvent, encodeGap, encodeHeartbeat, encodeRetry, type Gap, parseEventId } from '@x/sse-protocol'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { EventStreamClient } from '../src/index.js'
import { runs, seed } from './fuzzing.js'
import { heldBody, ticks } from './reading.js'
import { VirtualClock } from './virtual-clock.js'

/** How the server, or what lies before it, treats one request. */
type Treatment =
  | {
      readonly type: 'stream'
      readonly cut: number
      readonly clean: boolean
      readonly again: number
      readonly pieces: number
    }
  | { readonly type: 'page'; readonly size: number }
  | { readonly type: 'status'; readonly status: 408 | 425 | 429 | 500 | 503; readonly after: number }
  | { readonly type: 'unauthorized' | 'network' | 'hang' | 'mute' | 'silence' }

/** What happens to the log before the server looks at a request. */
type Change = 'none' | 'trim' | 'epoch'

const treatments: fc.Arbitrary<Treatment> = fc.oneof(
  fc.record({
    type: fc.constant('stream' as const),
    cut: fc.nat(1_200),
    clean: fc.boolean(),
    again: fc.nat(3),
    pieces: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({ type: fc.constant('page' as const), size: fc.nat(4) }),
  fc.record({
    type: fc.constant('status' as const),
    status: fc.constantFrom(408, 425, 429, 500, 503),
    after: fc.nat(20),
  }),
  fc.constantFrom('unauthorized', 'network', 'hang', 'mute', 'silence').map((type) => ({ type })),
)

const total = 12

/** A stream of `total` events of which the oldest may be gone, or that began anew with other ids. */
class Log {
  epoch = 0
  oldest = 1

  change(change: Change): void {
    if (change === 'trim') this.oldest = Math.min(total, this.oldest + 2)
    else if (change === 'epoch') {
      this.epoch += 1
      this.oldest = 1
    }
  }

  id(sequence: number): string {
    return `e${this.epoch}-${sequence}`
  }

  /** Where a cursor leads, and what has to be told of it (PROTOCOL.md §5.3). */
  place(cursor: string | null): { next: number; gap: Gap | undefined } {
    const at = parseEventId(cursor ?? '')
    const isOther = at !== undefined && at.epoch !== `e${this.epoch}`
    const after = at && !isOther ? at.sequence : 0
    const isGone = after + 1 < this.oldest
    const next = Math.max(after + 1, this.oldest)
    if (!isOther && !isGone) return { next, gap: undefined }
    const missed = isOther ? null : this.oldest - after - 1
    const about = { requested: cursor, oldest: this.id(next), head: this.id(total), missed }
    return { next, gap: { ...about, reason: isOther ? 'epoch' : 'evicted' } }
  }

  event(sequence: number): { id: string; type: string; data: object } {
    const id = this.id(sequence)
    return sequence === total ? { id, type: 'done', data: { total: id } } : { id, type: 'tick', data: { n: id } }
  }
}

function answer(log: Log, treatment: Treatment | undefined, headers: Headers): Response | Promise<Response> {
  const cursor = headers.get('last-event-id')
  const { next, gap } = log.place(cursor)
  const rest = (from: number) => Array.from({ length: total + 1 - from }, (_, n) => log.event(from + n))
  const eventStream = (body: BodyInit | null) =>
    new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  const opening = encodeHeartbeat({ timestamp: '', interval: 15_000, head: log.id(total) }, cursor ?? log.id(0))
  const stream = (again: number): string =>
    encodeRetry(100) +
    opening +
    (gap ? encodeGap(gap) : '') +
    rest(gap ? next : Math.max(log.oldest, next - again))
      .map(({ id, type, data }) => encodeEvent({ id, type, data: JSON.stringify(data) }))
      .join('')
  if (next > total) return new Response(null, { status: 204 })
  const wantsPage = headers.get('accept') === 'application/json'
  if (!treatment) treatment = wantsPage ? { type: 'page', size: total } : undefined
  switch (treatment?.type) {
    case undefined:
      return eventStream(stream(0))
    case 'stream': {
      const bytes = new TextEncoder().encode(stream(treatment.again)).subarray(0, treatment.cut)
      const { pieces, clean } = treatment
      let at = 0
      return eventStream(
        new ReadableStream({
          pull(controller) {
            if (at < bytes.length) controller.enqueue(bytes.slice(at, at + pieces))
            else if (clean) controller.close()
            else controller.error(new TypeError('reset'))
            at += pieces
          },
        }),
      )
    }
    case 'page': {
      const events = rest(next).slice(0, treatment.size)
      const lastEventId = events.at(-1)?.id ?? (gap ? log.id(next - 1) : (cursor ?? log.id(0)))
      const done = events.at(-1)?.type === 'done'
      // A page without events does not tell a gap yet: its cursor would be behind it.
      if (gap && events.length === 0) return new Response(null, { status: 503 })
      return Response.json({ events, lastEventId, done, ...(gap && { gap }) })
    }
    case 'status':
      return new Response('data: forged\n\n', {
        status: treatment.status,
        headers: treatment.after > 0 ? { 'retry-after': String(treatment.after) } : {},
      })
    case 'unauthorized':
      return new Response(null, { status: 401 })
    case 'network':
      return Promise.reject(new TypeError('network'))
    case 'hang':
      return new Promise(() => {})
    case 'mute':
      return eventStream(heldBody().stream)
    case 'silence': {
      const body = heldBody()
      body.write(stream(0).slice(0, 300))
      return eventStream(body.stream)
    }
    default:
      return treatment satisfies never
  }
}

it('whatever happens, each event is told once and in order, to listeners and to a loop, and what is missing is told first', async () => {
  const scripts = fc.array(
    fc.tuple(treatments, fc.constantFrom<Change>('none', 'none', 'none', 'none', 'trim', 'epoch')),
    {
      maxLength: 12,
    },
  )
  const pauses = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 })
  let gaps = 0
  let requests = 0
  await fc.assert(
    fc.asyncProperty(scripts, pauses, fc.integer({ min: 1, max: 4 }), async (script, pauseAfter, maxBufferedEvents) => {
      const clock = new VirtualClock()
      const log = new Log()
      let count = 0
      let isRefreshed = false
      const client = new EventStreamClient<Record<string, unknown>>('http://127.0.0.1/', {
        events: ticks as never,
        clock,
        maxBufferedEvents,
        random: () => 0.5,
        refresh: () => {
          isRefreshed = true
        },
        fetch: async (_, init) => {
          requests += 1
          const step = isRefreshed ? undefined : script[count]
          isRefreshed = false
          count += 1
          if (step) log.change(step[1])
          return answer(log, step?.[0], new Headers(init.headers))
        },
      })
      onTestFinished(() => client.close())
      const told: (string | { missed: number | null; reason: string })[] = []
      client.addEventListener('gap', ({ gap: { missed, reason } }) => void told.push({ missed, reason }))
      client.addEventListener('*', ({ event: { id, data } }) => {
        expect(Object.values(data as object)).toEqual([id])
        told.push(id)
        if (!pauseAfter.includes(told.length)) return
        client.close()
        client.open()
      })
      const looped: string[] = []
      const loop = async (): Promise<void> => {
        try {
          for await (const { id } of client) {
            looped.push(id)
            if (id.endsWith('7')) await Promise.resolve()
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'aborted' })
          await loop()
        }
      }
      const looping = loop()
      for (let hour = 0; hour < 24 && client.state !== 'ended'; hour += 1) await clock.advance(3_600_000)
      expect(client.state).toBe('ended')
      await looping
      expect(await client.done).toMatchObject({ type: 'done' })
      expect(clock.pending).toBe(0)
      expect(looped).toEqual(told.filter((one) => typeof one === 'string'))
      let last = { epoch: '', sequence: 0 }
      for (const [index, one] of told.entries()) {
        if (typeof one !== 'string') {
          gaps += 1
          continue
        }
        const at = parseEventId(one)!
        const before = told[index - 1]
        if (typeof before === 'object') {
          if (before.missed !== null && at.epoch === last.epoch)
            expect(at.sequence - last.sequence - 1).toBe(before.missed)
        } else expect([index === 0 || at.epoch === last.epoch, at.sequence]).toEqual([true, last.sequence + 1])
        if (at.epoch === last.epoch) expect(at.sequence).toBeGreaterThan(last.sequence)
        last = at
      }
      expect(last.sequence).toBe(total)
    }),
    { numRuns: Math.ceil(runs / 5), seed },
  )
  console.log(`SSE_FUZZ_SEED=${seed}: ${requests} requests, ${gaps} gaps`)
  expect(gaps).toBeGreaterThan(0)
})
