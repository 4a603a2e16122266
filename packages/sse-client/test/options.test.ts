import { expect, it } from 'vitest'
// Not public: what the README says of defaults.
import { resolveOptions } from '../src/options.js'

it('has the defaults that the README names', () => {
  expect(resolveOptions({})).toMatchObject({
    method: 'GET',
    credentials: 'same-origin',
    lastEventId: '',
    statuses: { 204: 'end', 408: 'retry', 425: 'retry', 429: 'retry', '5xx': 'retry' },
    connectTimeout: 30_000,
    silenceTimeout: undefined,
    maxEventBytes: 24 * 2 ** 20,
    maxBufferedEvents: 256,
    policy: { transport: 'auto', initial: 2_000, max: 30_000, budget: 1_000, healthyAfter: 10_000 },
  })
})
