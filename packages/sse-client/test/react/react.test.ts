import { encodeEvent } from '@x/sse-protocol'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findProgram } from '../../../../scripts/programs.mjs'
import { openStream } from '../http-server.js'
import { done, opening, tick } from '../reading.js'
import { type ReactPages, type ReactVersion, startReactPages } from './react-pages.js'

const executablePath = findProgram('chromium')

/** Once this is answered, the requests that were made before it have long reached the server. */
const requestNothing = (page: Page) => page.evaluate(async () => void (await fetch('/nothing')))

const reach = (page: Page, state: string, name = 'probe') =>
  page.waitForFunction(([wanted, probe]) => kit.last(probe)?.state === wanted, [state, name] as const)

const reachEvent = (page: Page, id: string, name = 'probe') =>
  page.waitForFunction(([wanted, probe]) => kit.last(probe)?.event?.id === wanted, [id, name] as const)

const versions: ReactVersion[] = [18, 19]

describe.skipIf(!executablePath).each(versions)('useEventStream with React %i in Chromium', (version) => {
  let pages: ReactPages
  beforeAll(async () => {
    pages = await startReactPages(executablePath!, version)
  })
  afterAll(() => pages?.close())

  it('shows the stream from idle to its end, and what ended it', async () => {
    const { page, next, errors } = await pages.open()
    await page.evaluate(() => kit.root().render(kit.probe({ url: '/stream' })))
    const { response, headers } = await next()
    expect(headers.accept).toMatch('text/event-stream')
    openStream(response, `retry: 5\n\n${opening('k-0')}${tick(1)}`)
    await reachEvent(page, 'k-1')
    response.end(done(2))
    await reach(page, 'ended')
    const seen = await page.evaluate(() => kit.commits.probe!.map(({ state, event }) => [state, event?.id ?? null]))
    expect([...new Set(seen.map(([state]) => state))]).toEqual(['idle', 'connecting', 'open', 'ended'])
    expect(seen.at(-1)).toEqual(['ended', 'k-2'])
    const { result, error, gap } = await page.evaluate(() => kit.last()!)
    expect([result, error, gap]).toEqual([{ type: 'done', data: { total: 1 }, id: 'k-2' }, undefined, undefined])
    expect(await page.evaluate(() => kit.React.version)).toMatch(new RegExp(`^${version}\\.`))
    expect(errors).toEqual([])
  })

  it('makes exactly one request in StrictMode', async () => {
    const { page, next, requests, errors } = await pages.open()
    await page.evaluate(() => kit.root().render(kit.strict(kit.probe({ url: '/stream' }))))
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1')
    await requestNothing(page)
    expect(requests).toHaveLength(1)
    expect(response.closed).toBe(false)
    expect(errors).toEqual([])
  })

  it('makes a POST exactly once, in StrictMode, with the options made anew by every render', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      const options = () => ({ method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } })
      kit.held.root = kit.root()
      kit.held.render = () =>
        kit.held.root!.render(
          kit.strict(kit.probe({ url: '/runs', options }), kit.probe({ url: '/runs', options, name: 'other' })),
        )
      ;(kit.held.render as () => void)()
    })
    const first = await next()
    expect([first.method, first.body]).toEqual(['POST', '{"a":1}'])
    first.response.setHeader('content-location', '/runs/1')
    openStream(first.response, `retry: 5\n\n${opening('k-0')}${tick(1)}`)
    await reachEvent(page, 'k-1')
    await page.evaluate(() => (kit.held.render as () => void)())
    first.response.end(tick(2))
    const second = await next()
    expect([second.method, second.url, second.headers['last-event-id']]).toEqual(['GET', '/runs/1', 'k-2'])
    openStream(second.response).end(done(3))
    await reach(page, 'ended', 'other')
    await requestNothing(page)
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET'])
  })

  it('has one connection for two components, and for one that comes later', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.root.render([
        kit.probe({ key: 'a', name: 'a', url: '/stream' }),
        kit.probe({ key: 'b', name: 'b', url: '/stream' }),
      ])
    })
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1', 'a')
    await reachEvent(page, 'k-1', 'b')
    await page.evaluate(() => {
      kit.held.root!.render([
        kit.probe({ key: 'b', name: 'b', url: '/stream' }),
        kit.probe({ key: 'c', name: 'c', url: '/stream' }),
      ])
    })
    await reachEvent(page, 'k-1', 'c')
    response.write(tick(2))
    await reachEvent(page, 'k-2', 'b')
    await reachEvent(page, 'k-2', 'c')
    expect(await page.evaluate(() => kit.renders.c![0]!.event?.id)).toBe('k-1')
    expect(await page.evaluate(() => kit.last('b')!.client === kit.last('c')!.client)).toBe(true)
    await requestNothing(page)
    expect(requests).toHaveLength(1)
  })

  it('keeps the connection where one component replaces another in the same commit', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.root.render(kit.probe({ key: 'a', name: 'a', url: '/stream' }))
    })
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1', 'a')
    await page.evaluate(() => kit.held.root!.render(kit.probe({ key: 'b', name: 'b', url: '/stream' })))
    response.write(tick(2))
    await reachEvent(page, 'k-2', 'b')
    expect(requests).toHaveLength(1)
  })

  it('closes the old stream when the url changes, opens the new one, and shows nothing of the old one there', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.root.render(kit.strict(kit.probe({ url: '/old' })))
    })
    const old = await next()
    openStream(old.response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1')
    const from = await page.evaluate(() => {
      const count = kit.renders.probe!.length
      kit.flushSync(() => kit.held.root!.render(kit.strict(kit.probe({ url: '/new' }))))
      return count
    })
    await old.closed
    const { url, headers, response } = await next()
    expect([url, headers['last-event-id']]).toEqual(['/new', undefined])
    openStream(response, opening('j-0') + tick(7, 'j'))
    await reachEvent(page, 'j-7')
    expect(
      await page.evaluate((start) => kit.renders.probe!.slice(start).map(({ event }) => event?.id ?? null), from),
    ).not.toContain('k-1')
    expect(requests).toHaveLength(2)
  })

  it('closes the socket when the last component unmounts, and not before', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.root.render([
        kit.probe({ key: 'a', name: 'a', url: '/stream' }),
        kit.probe({ key: 'b', name: 'b', url: '/stream' }),
      ])
    })
    const { response, closed } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1', 'b')
    await page.evaluate(() => kit.held.root!.render(kit.probe({ key: 'b', name: 'b', url: '/stream' })))
    response.write(tick(2))
    await reachEvent(page, 'k-2', 'b')
    expect(response.closed).toBe(false)
    await page.evaluate(() => kit.held.root!.unmount())
    await closed
    await page.evaluate(() => kit.last('b')!.open())
    await requestNothing(page)
    expect(requests).toHaveLength(1)
  })

  it('requests nothing for a component that is gone in the turn in which it came', async () => {
    const { page, requests } = await pages.open()
    await page.evaluate(() => {
      const root = kit.root()
      kit.flushSync(() => root.render(kit.strict(kit.probe({ url: '/stream' }))))
      root.unmount()
    })
    await requestNothing(page)
    expect(requests).toHaveLength(0)
  })

  it('begins anew where a component is mounted again later, or its key changes', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.root.render(kit.probe({ url: '/stream', options: () => ({ key: 1 }) }))
    })
    openStream((await next()).response).end(done(1))
    await reach(page, 'ended')
    await page.evaluate(() => kit.held.root!.render(kit.probe({ url: '/stream', options: () => ({ key: 2 }) })))
    openStream((await next()).response).end(done(1))
    await reach(page, 'ended')
    await page.evaluate(() => kit.held.root!.render(kit.probe({ url: null })))
    await reach(page, 'idle')
    await page.evaluate(() => kit.held.root!.render(kit.probe({ url: '/stream', options: () => ({ key: 2 }) })))
    const { headers, response } = await next()
    expect(headers['last-event-id']).toBeUndefined()
    openStream(response).end(done(1))
    await reach(page, 'ended')
  })

  it('requests nothing without a url', async () => {
    const { page, requests } = await pages.open()
    await page.evaluate(() =>
      kit.root().render(kit.strict(kit.probe({ url: null }), kit.probe({ url: '', name: 'empty' }))),
    )
    await reach(page, 'idle')
    await reach(page, 'idle', 'empty')
    await page.evaluate(() => {
      kit.last()!.open()
      kit.last()!.close()
    })
    await requestNothing(page)
    expect(requests).toHaveLength(0)
    expect(await page.evaluate(() => kit.renders.probe!.length)).toBeLessThanOrEqual(2)
  })

  it('renders a burst of 10,000 events a few times, and calls onEvent and reduce for each', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      let seen = 0
      kit.held.seen = () => seen
      const options = () => ({
        onEvent: () => {
          seen += 1
        },
        reduce: (count: unknown) => (count as number) + 1,
        initialValue: 0,
      })
      kit.root().render(kit.probe({ url: '/stream', options }))
    })
    const { response } = await next()
    openStream(response, opening('k-0'))
    await reach(page, 'open')
    const before = await page.evaluate(() => kit.renders.probe!.length)
    response.end(Array.from({ length: 10_000 }, (_, index) => tick(index + 1)).join('') + done(10_001))
    await reach(page, 'ended')
    const { value, event } = await page.evaluate(() => kit.last()!)
    expect([value, event?.id]).toEqual([10_001, 'k-10001'])
    expect(await page.evaluate(() => (kit.held.seen as () => number)())).toBe(10_001)
    const renders = (await page.evaluate(() => kit.renders.probe!.length)) - before
    expect(renders).toBeGreaterThan(0)
    expect(renders).toBeLessThan(100)
  })

  it('renders events once in 16 ms, the last one although nothing follows, and the end at once', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      let seen = 0
      kit.held.seen = () => seen
      const options = () => ({
        onEvent: () => {
          seen += 1
        },
      })
      const { setTimeout } = globalThis
      const frames: (() => void)[] = []
      kit.held.nextFrame = () => {
        const due = frames.splice(0)
        for (const frame of due) frame()
        return due.length
      }
      globalThis.setTimeout = ((callback: () => void, delay?: number) =>
        delay === 16 ? frames.push(callback) : setTimeout(callback, delay)) as typeof setTimeout
      kit.root().render(kit.probe({ url: '/stream', options }))
    })
    const nextFrame = () => page.evaluate(() => (kit.held.nextFrame as () => number)())
    const hasSeen = (count: number) =>
      page.waitForFunction((wanted) => (kit.held.seen as () => number)() === wanted, count)
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1')
    for (let n = 2; n <= 4; n++) {
      response.write(tick(n))
      await hasSeen(n)
    }
    expect(await page.evaluate(() => kit.renders.probe!.at(-1)!.event?.id)).toBe('k-1')
    expect(await nextFrame()).toBe(1)
    await reachEvent(page, 'k-4')
    // One frame more, to know that there is nothing new.
    expect([await nextFrame(), await nextFrame()]).toEqual([1, 0])
    response.write(tick(5))
    await reachEvent(page, 'k-5')
    response.end(done(6))
    await reach(page, 'ended')
    expect(await page.evaluate(() => [...new Set(kit.renders.probe!.map(({ event }) => event?.id ?? null))])).toEqual([
      null,
      'k-1',
      'k-4',
      'k-5',
      'k-6',
    ])
  })

  it('shows why a stream failed', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => kit.root().render(kit.strict(kit.probe({ url: '/stream' }))))
    const { response } = await next()
    response
      .writeHead(403, { 'content-type': 'application/problem+json' })
      .end('{"title":"No","status":403,"code":"no"}')
    await reach(page, 'ended')
    expect(
      await page.evaluate(() => {
        const { error, result } = kit.last()!
        return [error instanceof kit.EventStreamError, error?.code, error?.status, error?.problem?.code, result]
      }),
    ).toEqual([true, 'rejected', 403, 'no', undefined])
  })

  it('shows a gap, and discards the value where the gap says so', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      const options = () => ({ reduce: (count: unknown) => (count as number) + 1, initialValue: 0 })
      kit.root().render(kit.probe({ url: '/stream', options }))
    })
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1) + tick(2) + tick(5))
    await reachEvent(page, 'k-5')
    const view = await page.evaluate(() => kit.last()!)
    expect([view.gap?.reason, view.gap?.missed, view.value]).toEqual(['skipped', 2, 3])
    const gap = { requested: 'k-5', oldest: 'j-1', head: 'j-1', missed: null, reason: 'epoch' }
    response.write(`event: stream:gap\ndata: ${JSON.stringify(gap)}\n\n${tick(1, 'j')}`)
    await reachEvent(page, 'j-1')
    const after = await page.evaluate(() => kit.last()!)
    expect([after.gap?.reason, after.value]).toEqual(['epoch', 1])
  })

  it('keeps the value where the component does not change and the function does', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      const options = () => ({ reduce: (sum: unknown) => (sum as number) + 1, initialValue: 0 })
      kit.held.root = kit.root()
      kit.held.render = () => kit.held.root!.render(kit.strict(kit.probe({ url: '/stream', options })))
      ;(kit.held.render as () => void)()
    })
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1')
    await page.evaluate(() => (kit.held.render as () => void)())
    response.write(tick(2))
    await reachEvent(page, 'k-2')
    expect(await page.evaluate(() => kit.last()!.value)).toBe(2)
  })

  it('gives a component that comes later the value of all events where the function is known, and refuses another', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      const count = (sum: unknown) => (sum as number) + 1
      const options = () => ({ reduce: count, initialValue: 0 })
      const other = () => ({ reduce: (sum: unknown) => (sum as number) + 1, initialValue: 0 })
      const first = kit.probe({ key: 'a', name: 'a', url: '/stream', options })
      kit.held.root = kit.root()
      kit.held.root.render([first])
      kit.held.more = () => kit.held.root!.render([first, kit.probe({ key: 'b', name: 'b', url: '/stream', options })])
      kit.held.wrong = () =>
        kit.held.root!.render([first, kit.bounded(kit.probe({ key: 'c', name: 'c', url: '/stream', options: other }))])
    })
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1) + tick(2))
    await reachEvent(page, 'k-2', 'a')
    await page.evaluate(() => (kit.held.more as () => void)())
    response.write(tick(3))
    await reachEvent(page, 'k-3', 'b')
    expect(await page.evaluate(() => [kit.renders.b![0]!.value, kit.last('b')!.value])).toEqual([2, 3])
    await page.evaluate(() => (kit.held.wrong as () => void)())
    await page.waitForFunction(() => kit.caught.length > 0)
    expect(await page.evaluate(() => kit.caught[0]!.message)).toMatch('Expected `reduce` to be there before the first')
    response.write(tick(4))
    await reachEvent(page, 'k-4', 'a')
    expect(response.closed).toBe(false)
  })

  it('calls the onEvent, and asks the headers, of the last render', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      const heard: string[] = []
      kit.held.heard = heard
      kit.held.root = kit.root()
      kit.held.render = (token: string) =>
        kit.held.root!.render(
          kit.probe({
            url: '/stream',
            options: () => ({
              headers: { authorization: token },
              onEvent: (event) => void heard.push(`${token} ${event.id}`),
            }),
          }),
        )
      ;(kit.held.render as (token: string) => void)('first')
    })
    const first = await next()
    expect(first.headers.authorization).toBe('first')
    openStream(first.response, `retry: 5\n\n${opening('k-0')}${tick(1)}`)
    await reachEvent(page, 'k-1')
    await page.evaluate(() => (kit.held.render as (token: string) => void)('second'))
    first.response.end(tick(2))
    const second = await next()
    expect([second.headers.authorization, second.headers['last-event-id']]).toEqual(['second', 'k-2'])
    openStream(second.response).end(done(3))
    await reach(page, 'ended')
    expect(await page.evaluate(() => kit.held.heard)).toEqual(['first k-1', 'second k-2', 'second k-3'])
  })

  it('calls no onEvent of a component that is gone, although others read on', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      const heard: string[] = []
      const one = (name: string) =>
        kit.probe({
          key: name,
          name,
          url: '/stream',
          options: () => ({ onEvent: (event) => void heard.push(`${name} ${event.id}`) }),
        })
      kit.held.heard = heard
      kit.held.root = kit.root()
      kit.held.root.render([one('a'), one('b')])
      kit.held.less = () => kit.flushSync(() => kit.held.root!.render([one('b')]))
    })
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1', 'b')
    await page.evaluate(() => (kit.held.less as () => void)())
    response.write(tick(2))
    await reachEvent(page, 'k-2', 'b')
    expect(await page.evaluate(() => kit.held.heard)).toEqual(['a k-1', 'b k-1', 'b k-2'])
  })

  it('asks the onGap of the last render', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.render = (onGap: 'continue' | 'fail') =>
        kit.held.root!.render(kit.probe({ url: '/stream', options: () => ({ onGap }) }))
      ;(kit.held.render as (onGap: string) => void)('continue')
    })
    const { response } = await next()
    openStream(response, opening('k-0') + tick(1) + tick(3))
    await reachEvent(page, 'k-3')
    await page.evaluate(() => kit.flushSync(() => (kit.held.render as (onGap: string) => void)('fail')))
    response.write(tick(5))
    await reach(page, 'ended')
    expect(await page.evaluate(() => [kit.last()!.error?.code, kit.last()!.event?.id])).toEqual(['gap', 'k-3'])
  })

  it('asks the headers of the hook that is still there', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      const one = (name: string) =>
        kit.probe({ key: name, name, url: '/stream', options: () => ({ headers: { authorization: name } }) })
      kit.held.root = kit.root()
      kit.held.root.render([one('a'), one('b')])
      kit.held.less = () => kit.held.root!.render([one('b')])
    })
    const first = await next()
    expect(first.headers.authorization).toBe('a')
    openStream(first.response, `retry: 5\n\n${opening('k-0')}${tick(1)}`)
    await reachEvent(page, 'k-1', 'b')
    await page.evaluate(() => (kit.held.less as () => void)())
    first.response.end()
    const second = await next()
    expect(second.headers.authorization).toBe('b')
  })

  it('closes and opens on demand, with the cursor', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() =>
      kit.root().render(kit.strict(kit.probe({ url: '/stream', options: () => ({ autoOpen: false }) }))),
    )
    await page.waitForFunction(() => kit.last()?.client !== undefined)
    await requestNothing(page)
    expect(requests).toHaveLength(0)
    await page.evaluate(() => kit.last()!.open())
    const first = await next()
    openStream(first.response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1')
    await page.evaluate(() => kit.last()!.close())
    await first.closed
    await reach(page, 'idle')
    await page.evaluate(() => kit.last()!.open())
    const { headers, response } = await next()
    expect(headers['last-event-id']).toBe('k-1')
    openStream(response).end(done(2))
    await reach(page, 'ended')
  })

  it.each([
    ['connectTimeout', { connectTimeout: -1 }, 'Expected `connectTimeout` to be'],
    ['headers', { headers: { authorization: 'a\nb' } }, "Failed to construct 'Headers'"],
  ])('throws %s that cannot work where an error boundary finds it', async (_, wrong, message) => {
    const { page, requests } = await pages.open()
    await page.evaluate((options) => {
      kit.root().render(kit.bounded(kit.probe({ url: '/stream', name: 'a', options: () => options })))
    }, wrong)
    await page.waitForFunction(() => kit.caught.length > 0)
    expect(await page.evaluate(() => kit.caught[0]!.message)).toMatch(message)
    expect(requests).toHaveLength(0)
  })

  it('shows headers of a later render that cannot work as the error of the stream', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.render = (authorization: string) =>
        kit.flushSync(() =>
          kit.held.root!.render(kit.probe({ url: '/stream', options: () => ({ headers: { authorization } }) })),
        )
      ;(kit.held.render as (value: string) => void)('a')
    })
    const { response } = await next()
    openStream(response, `retry: 5\n\n${tick(1)}`)
    await reachEvent(page, 'k-1')
    await page.evaluate(() => (kit.held.render as (value: string) => void)('a\nb'))
    response.end()
    await reach(page, 'ended')
    expect(await page.evaluate(() => kit.last()!.error?.code)).toBe('failed')
  })

  it('asks for a key with a body that cannot be compared, and takes it with one', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      const options = () => ({ method: 'POST', body: new Blob(['x']) })
      kit.held.root = kit.root()
      kit.held.root.render(kit.bounded(kit.probe({ url: '/runs', options })))
      kit.held.keyed = () =>
        kit.held.root!.render(kit.strict(kit.probe({ url: '/runs', options: () => ({ ...options(), key: 'a' }) })))
    })
    await page.waitForFunction(() => kit.caught.length > 0)
    expect(await page.evaluate(() => kit.caught[0]!.message)).toMatch('Expected a `key`')
    await page.evaluate(() => (kit.held.keyed as () => void)())
    openStream((await next()).response).end(done(1))
    await reach(page, 'ended')
    await requestNothing(page)
    expect(requests.map(({ body }) => body)).toEqual(['x'])
  })

  it('repeats a POST with the Idempotency-Key of the first one, although each render makes another', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() => {
      let count = 0
      const options = () => {
        count += 1
        return { method: 'POST', body: 'x', headers: { 'idempotency-key': `key-${count}` }, retry: { initial: 1 } }
      }
      kit.held.root = kit.root()
      kit.held.render = () => kit.held.root!.render(kit.strict(kit.probe({ url: '/runs', options })))
      ;(kit.held.render as () => void)()
    })
    const first = await next()
    await page.evaluate(() => (kit.held.render as () => void)())
    first.response.writeHead(503).end()
    const second = await next()
    expect([first.method, second.method, second.body]).toEqual(['POST', 'POST', 'x'])
    expect(first.headers['idempotency-key']).toMatch(/^key-\d+$/)
    expect(second.headers['idempotency-key']).toBe(first.headers['idempotency-key'])
    openStream(second.response).end(done(1))
    await reach(page, 'ended')
  })

  it('shows the text of an agent whole to a component that comes later, and how events come', async () => {
    const { page, next } = await pages.open()
    const chunk = (n: number, text: string, offset: number) =>
      encodeEvent({ type: 'agent:chunk', id: `k-${n}`, data: JSON.stringify({ text, index: n - 1, offset }) })
    await page.evaluate(() => {
      const one = (name: string) => kit.probe({ key: name, name, url: '/stream' })
      kit.held.root = kit.root()
      kit.held.root.render(kit.strict(one('a')))
      kit.held.more = () => kit.held.root!.render(kit.strict(one('a'), one('b')))
    })
    const { response } = await next()
    openStream(response, opening('k-0') + chunk(1, 'Helo', 0))
    await reachEvent(page, 'k-1', 'a')
    await page.evaluate(() => (kit.held.more as () => void)())
    await reachEvent(page, 'k-1', 'b')
    expect(await page.evaluate(() => [kit.renders.b![0]!.text, kit.renders.a![0]!.text])).toEqual(['Helo', ''])
    response.end(chunk(2, 'lo, you', 3) + done(3))
    await reach(page, 'ended', 'b')
    const { text, transport } = await page.evaluate(() => kit.last('b')!)
    expect([text, transport]).toEqual(['Hello, you', 'sse'])
  })

  it('shows a stream that comes as pages of JSON', async () => {
    const { page, next } = await pages.open()
    await page.evaluate(() =>
      kit.root().render(kit.strict(kit.probe({ url: '/stream', options: () => ({ transport: 'poll' }) }))),
    )
    const { response, headers } = await next()
    expect(headers.accept).toMatch('application/json')
    const events = [
      { id: 'k-1', type: 'tick', data: { n: 1 } },
      { id: 'k-2', type: 'done', data: { total: 1 } },
    ]
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ events, lastEventId: 'k-2', done: true }))
    await reach(page, 'ended')
    const { transport, result } = await page.evaluate(() => kit.last()!)
    expect([transport, result?.id]).toEqual(['poll', 'k-2'])
  })

  it('tells streams at one URL apart by method, body and key', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      const one = (name: string, options: object) =>
        kit.probe({ key: name, name, url: '/runs', options: () => options })
      kit
        .root()
        .render([
          one('a', {}),
          one('b', { method: 'POST' }),
          one('c', { method: 'post', body: 'c' }),
          one('d', { method: 'POST', body: new URLSearchParams('d=1') }),
          one('same', { method: 'POST', body: new URLSearchParams('d=1') }),
          one('same method', { method: 'POST', body: 'c' }),
          one('e', { method: 'POST', body: 'e', key: 'e' }),
          one('same key', { method: 'POST', body: 'another', key: 'e' }),
        ])
    })
    for (let count = 0; count < 5; count++) openStream((await next()).response).end(done(1))
    await reach(page, 'ended', 'e')
    await reach(page, 'ended', 'same key')
    await requestNothing(page)
    expect(requests.map(({ method, body }) => `${method} ${body}`).sort()).toEqual([
      'GET ',
      'POST ',
      'POST c',
      'POST d=1',
      'POST e',
    ])
  })

  it('reports an onEvent or a reduce that throws, and both hear of the next event', async () => {
    const { page, next, errors } = await pages.open()
    await page.evaluate(() => {
      const options = () => ({
        reduce: (count: unknown, event: { type: string }) => {
          if (event.type === 'done') throw new Error('reduce fell')
          return (count as number) + 1
        },
        initialValue: 0,
        onEvent: () => {
          throw new Error('onEvent fell')
        },
      })
      kit.root().render(kit.probe({ url: '/stream', options }))
    })
    openStream((await next()).response).end(tick(1) + tick(2) + done(3))
    await reach(page, 'ended')
    const { value, result } = await page.evaluate(() => kit.last()!)
    expect([value, result?.id]).toEqual([2, 'k-3'])
    expect(errors.sort()).toEqual(['onEvent fell', 'onEvent fell', 'onEvent fell', 'reduce fell'])
  })

  it('stays closed, once a component has closed it, where another comes', async () => {
    const { page, next, requests } = await pages.open()
    await page.evaluate(() => {
      kit.held.root = kit.root()
      kit.held.root.render(kit.strict(kit.probe({ url: '/stream' })))
      kit.held.more = () =>
        kit.held.root!.render(kit.strict(kit.probe({ url: '/stream' }), kit.probe({ url: '/stream', name: 'later' })))
    })
    const { response, closed } = await next()
    openStream(response, opening('k-0') + tick(1))
    await reachEvent(page, 'k-1')
    await page.evaluate(() => kit.last()!.client!.close())
    await closed
    await reach(page, 'idle')
    await page.evaluate(() => (kit.held.more as () => void)())
    await reachEvent(page, 'k-1', 'later')
    await requestNothing(page)
    expect(requests).toHaveLength(1)
  })

  it('takes over the page of a server without a warning, also a part whose stream is already read', async () => {
    const { page, next, errors } = await pages.open()
    await page.evaluate(() => {
      const main = document.querySelector('main')!
      const later = document.body.appendChild(document.createElement('aside'))
      const app = (name: string) => kit.strict(kit.probe({ url: '/stream', name }))
      main.innerHTML = later.innerHTML = kit.renderToString(app('server'))
      kit.held.html = main.innerHTML
      kit.hydrateRoot(main, app('probe'))
      kit.held.hydrateLater = () => void kit.hydrateRoot(later, app('later'))
    })
    expect(await page.evaluate(() => kit.held.html)).toBe('<p>idle</p>')
    const { response } = await next()
    openStream(response, tick(1))
    await reach(page, 'open')
    await page.evaluate(() => (kit.held.hydrateLater as () => void)())
    await reach(page, 'open', 'later')
    response.end(done(2))
    await reach(page, 'ended')
    await reach(page, 'ended', 'later')
    expect([await page.textContent('main'), await page.textContent('aside')]).toEqual(['ended', 'ended'])
    expect(errors).toEqual([])
  })

  it.skipIf(version === 18)(
    'pauses while it is hidden, and goes on with its cursor and its value, and never with a POST',
    async () => {
      const { page, next, requests } = await pages.open()
      await page.evaluate(() => {
        const { Activity, createElement } = kit.React
        const options = () => ({
          method: 'POST',
          body: 'x',
          reduce: (count: unknown) => (count as number) + 1,
          initialValue: 0,
        })
        kit.held.root = kit.root()
        kit.held.render = (mode: 'hidden' | 'visible') =>
          kit.held.root!.render(
            kit.strict(createElement(Activity, { mode, children: kit.probe({ url: '/runs', options }) })),
          )
        ;(kit.held.render as (mode: string) => void)('visible')
      })
      const first = await next()
      first.response.setHeader('content-location', '/runs/1')
      openStream(first.response, opening('k-0') + tick(1))
      await reachEvent(page, 'k-1')
      await page.evaluate(() => (kit.held.render as (mode: string) => void)('hidden'))
      await first.closed
      await page.evaluate(() => (kit.held.render as (mode: string) => void)('visible'))
      const second = await next()
      expect([second.method, second.url, second.headers['last-event-id']]).toEqual(['GET', '/runs/1', 'k-1'])
      openStream(second.response).end(tick(2) + done(3))
      await reach(page, 'ended')
      expect(await page.evaluate(() => kit.last()!.value)).toBe(3)
      expect(requests).toHaveLength(2)
    },
  )

  describe.skipIf(version === 18)('hidden and shown again', () => {
    /** A page with one probe that can be hidden, beside others that come later. */
    async function openHideable(reduces = false) {
      const { page, next, requests } = await pages.open()
      await page.evaluate((withReduce) => {
        const { Activity, createElement } = kit.React
        const reduction = { reduce: (count: unknown) => (count as number) + 1, initialValue: 0 }
        const hideable = kit.probe({ name: 'hideable', url: '/stream', options: () => (withReduce ? reduction : {}) })
        kit.held.root = kit.root()
        kit.held.render = (mode: 'hidden' | 'visible', names: string[]) =>
          kit.flushSync(() =>
            kit.held.root!.render([
              createElement(Activity, { key: 'activity', mode, children: hideable }),
              ...names.map((name) => kit.probe({ key: name, name, url: '/stream' })),
            ]),
          )
      }, reduces)
      const show = (mode: 'hidden' | 'visible', ...names: string[]) =>
        page.evaluate(([to, others]) => (kit.held.render as (mode: string, names: string[]) => void)(to, others), [
          mode,
          names,
        ] as const)
      await show('visible')
      const first = await next()
      openStream(first.response, opening('k-0') + tick(1))
      await reachEvent(page, 'k-1', 'hideable')
      return { page, next, requests, show, first }
    }

    it('stays closed, once a component has closed it', async () => {
      const { page, requests, show, first } = await openHideable()
      await page.evaluate(() => kit.last('hideable')!.close())
      await first.closed
      await show('hidden')
      await show('visible')
      await requestNothing(page)
      expect(requests).toHaveLength(1)
    })

    it('takes part in the connection that others have made since', async () => {
      const { page, next, requests, show, first } = await openHideable()
      await show('hidden')
      await first.closed
      await show('hidden', 'other')
      openStream((await next()).response, opening('k-0') + tick(1) + tick(2))
      await reachEvent(page, 'k-2', 'other')
      await show('visible', 'other')
      await reachEvent(page, 'k-2', 'hideable')
      await requestNothing(page)
      expect(requests).toHaveLength(2)
    })

    it('goes on alone where the others know nothing of its value, and takes their connection from nobody', async () => {
      const { page, next, requests, show, first } = await openHideable(true)
      await show('hidden')
      await first.closed
      await show('hidden', 'other')
      openStream((await next()).response, opening('k-0') + tick(1) + tick(2))
      await reachEvent(page, 'k-2', 'other')
      await show('visible', 'other')
      const own = await next()
      expect(own.headers['last-event-id']).toBe('k-1')
      await show('hidden', 'other')
      await own.closed
      await show('hidden', 'other', 'later')
      await reachEvent(page, 'k-2', 'later')
      await requestNothing(page)
      expect(requests).toHaveLength(3)
    })
  })
})
