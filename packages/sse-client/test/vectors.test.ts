import { readFileSync } from 'node:fs'
import { defineEvents } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import type { EventStreamClient, EventStreamClientOptions } from '../src/index.js'
import { catchReported } from './reported.js'
import { type Adaption, play, type Vector } from './vector-player.js'
import { settle } from './virtual-clock.js'

const vectors: Vector[] = JSON.parse(readFileSync(new URL('../vectors/sse-client.json', import.meta.url), 'utf8'))

/** Cases that are tested elsewhere, because they need a page or real time, and those that this client decides otherwise on purpose. */
const excluded: Record<string, string> = {
  'request/post-body-resent':
    'a POST is never repeated: its stream is resumed by GET at its Content-Location (request.test.ts)',
  'cors/preflight-safe-id':
    'browser/cors.test.ts: fetch asks first for any Last-Event-ID; with cursorParameter there is no preflight',
  'cors/preflight-unsafe-id': 'browser/cors.test.ts: there is a preflight',
  'redirect/location-empty':
    'fetch follows redirects itself: an empty Location is the same address, up to its own limit, and a loop is one failed connection',
  'visibility/hidden-does-not-reissue': 'browser/life-cycle.test.ts',
  'bfcache/pagehide-pageshow': 'browser/life-cycle.test.ts, page-life.test.ts',
  'resume/duplicate':
    'ids without an epoch have no order; duplicates of this protocol are in resume.test.ts and laws.test.ts',
  'node/keeps-process-alive': 'needs real timers: retry.test.ts',
  'api/from-readable-stream': 'not a connection: that is fromReadableStream of @x/sse-protocol',
}

let renewals = 0
const reason = new Error('enough')
const controller = new AbortController()
const reopen = (client: EventStreamClient): void => {
  client.close()
  client.open()
}
const jitter: EventStreamClientOptions = { random: () => 0.5 }

const adaptions: Record<string, Adaption> = {
  'request/body-stream-not-replayable': { options: { body: new Blob(['B']).stream() } },
  'status/policy-401': {
    repeats: true,
    options: {
      refresh: () => {
        renewals += 1
      },
    },
  },
  'idle/sleep-wake': {
    options: { silenceTimeout: 45_000 },
    act: (client, clock) => {
      client.addEventListener('*', () => {
        clock.sleep(3_600_000)
        queueMicrotask(() => void clock.advance(45_000))
      })
    },
  },
  'limits/event': { options: { maxEventBytes: 16 } },
  'close/in-open': { act: (client) => client.addEventListener('open', () => client.close()) },
  'close/in-message': { act: (client) => client.addEventListener('*', () => client.close()) },
  'close/idempotent-reopen': { act: (client) => client.addEventListener('open', () => reopen(client), { once: true }) },
  'reconnect/restart-command': { act: (client) => client.addEventListener('*', () => reopen(client), { once: true }) },
  'reconnect/backoff-reset': { options: jitter },
  'reconnect/retry-zero': { options: jitter },
  'abort/reason': {
    options: { signal: controller.signal },
    act: (client) => client.addEventListener('open', () => controller.abort(reason)),
  },
  'handler/throws': {
    act: (client) => {
      client.addEventListener('a', () => {
        throw reason
      })
    },
  },
  'iterate/break-closes': {
    act: async (client) => {
      for await (const event of client) if (event.data === 'x') break
    },
  },
  'iterate/end-vs-drop': {
    options: {
      events: defineEvents<Record<string, unknown>>({ types: { end: { terminal: true } }, failure: () => [] }),
    },
  },
}

describe('vectors/sse-client.json', () => {
  it('holds every case that is excluded or adapted here', () => {
    const names = vectors.map(({ name }) => name)
    for (const name of [...Object.keys(excluded), ...Object.keys(adaptions)]) expect(names).toContain(name)
  })

  for (const [name, why] of Object.entries(excluded)) it.skip(`${name}: ${why}`, () => {})

  it.each(vectors.filter(({ name }) => !(name in excluded)))('$name: $why', async (vector) => {
    const reported = vector.name === 'handler/throws' ? catchReported() : []
    const played = await play(vector, adaptions[vector.name])
    for (const [name, expected] of Object.entries(vector.expect)) await check(name, expected, vector, played)
    expect(reported).toEqual(vector.name === 'handler/throws' ? [reason] : [])
  })
})

type Played = Awaited<ReturnType<typeof play>>

async function check(name: string, expected: unknown, vector: Vector, played: Played): Promise<void> {
  const { client, events, states, waits, server, init, clock } = played
  switch (name) {
    case 'requests':
      if (Array.isArray(expected)) checkRequests(expected, played)
      else holds(init.length, expected)
      break
    case 'events': {
      const second = vector.name === 'handler/throws' ? 'type' : 'id'
      const pairs = (expected as unknown[]).some(Array.isArray)
      expect(events.map((event) => (pairs ? [String(event.data), event[second]] : asText(event)))).toEqual(expected)
      break
    }
    case 'state':
      // Closed by the caller, a client can be opened again; closed by the server's word it has ended.
      expect(client.state).toBe(expected === 'open' ? 'open' : vector.name.startsWith('close/') ? 'idle' : 'ended')
      break
    case 'states':
      expect(states.filter((state) => state !== 'waiting')).toEqual(expected)
      break
    case 'errors':
      // An EventSource tells drops and the end by the same event.
      if (expected === 0) await clock.advance(3_600_000)
      holds(waits.length + (client.state === 'ended' ? 1 : 0), expected)
      break
    case 'action':
      expect(client.state).toBe(expected === 'retry' ? 'waiting' : 'ended')
      expect(renewals).toBe(expected === 'auth hook once, then fail' ? 1 : 0)
      renewals = 0
      break
    case 'delays':
      if (Array.isArray(expected)) expect(played.delays()).toHaveLength(expected.length)
      played.delays().forEach((delay, index, all) => {
        holds(delay, Array.isArray(expected) ? expected[index] : '> previous', all[index - 1] ?? 0)
      })
      break
    case 'error':
      await checkError(expected, played)
      break
    case 'serverSeesClose':
      while (played.hangUps() === 0) await settle()
      break
    case 'urls':
      expect(server.requests.map(({ url }) => url)).toEqual(expected)
      break
    case 'ended':
      expect(await client.done).toMatchObject({ type: 'end' })
      break
    case 'origin':
      // Events of this client tell no origin; that the final URL was read shows in the events themselves.
      expect(server.requests.at(-1)?.url).toBe('/b')
      break
    default:
      throw new Error(`No check for "${name}" of ${vector.name}, which made ${init.length} requests`)
  }
}

function asText({ type, data }: { type: string; data: unknown }): string {
  return type === 'message' ? String(data) : type
}

function holds(actual: number | undefined, expected: unknown, previous = 0): void {
  const [, operator, text] = /^(>=|<=|>)? ?(\d+|previous)/.exec(String(expected)) ?? []
  const bound = text === 'previous' ? previous : Number(text)
  if (operator === '>=') expect(actual).toBeGreaterThanOrEqual(bound)
  else if (operator === '<=') expect(actual).toBeLessThanOrEqual(bound)
  else if (operator === '>') expect(actual).toBeGreaterThan(bound)
  else expect(actual).toBe(bound)
}

function checkRequests(expected: Record<string, unknown>[], { server, init }: Played): void {
  expect(server.requests).toHaveLength(expected.length)
  for (const [index, { method, headers = {}, headerBytes = {}, fetchCache, fetchCredentials }] of expected.entries()) {
    const request = server.requests[index]!
    if (method !== undefined) expect(request.method).toBe(method)
    for (const [name, value] of Object.entries(headers as object)) {
      expect(request.headers[name], name).toBe(value === null ? undefined : value)
    }
    for (const [name, hex] of Object.entries(headerBytes as object)) {
      expect(Buffer.from(String(request.headers[name]), 'latin1').toString('hex')).toBe(hex)
    }
    if (fetchCache !== undefined) expect(init[index]?.cache).toBe(fetchCache)
    if (fetchCredentials !== undefined) expect(init[index]?.credentials).toBe(fetchCredentials)
  }
}

async function checkError(expected: unknown, { client, waits }: Played): Promise<void> {
  if (expected === 'CONNECT_TIMEOUT') expect(waits[0]?.drop).toEqual({ reason: 'timeout' })
  else if (expected === 'BODY_NOT_REPLAYABLE') await expect(client.done).rejects.toMatchObject({ code: 'unresumable' })
  else if (expected === 'EVENT_TOO_LARGE')
    await expect(client.done).rejects.toMatchObject({ code: 'failed', cause: { code: 'event_too_large' } })
  else await expect(client.done).rejects.toMatchObject({ code: 'aborted', cause: reason })
}
