import { describe, expect, it } from 'vitest'
// The machine is not public; its tests need no network, no timer and no client.
import { reconnectDelay } from '../src/backoff.js'
import { type Input, type Machine, type Policy, startMachine, transition } from '../src/machine.js'

const policy: Policy = {
  transport: 'auto',
  hasPages: true,
  initial: 2_000,
  max: 30_000,
  budget: 2,
  healthyAfter: 10_000,
}
const dropped = (reason: 'end' | 'timeout' | 'mute' | 'unstreamable' | 'silence' | 'sleep' | 'pagehide'): Input => ({
  type: 'dropped',
  drop: { reason },
})
const opened: Input = { type: 'opened', transport: 'sse', resumeUrl: undefined }
const inputs: Input[] = [
  { type: 'open' },
  { type: 'close' },
  { type: 'sent', key: undefined },
  { type: 'unsent' },
  opened,
  { type: 'opened', transport: 'poll', resumeUrl: 'http://127.0.0.1/resume' },
  { type: 'begun', resumeUrl: 'http://127.0.0.1/resume' },
  { type: 'heard' },
  { type: 'retry', reconnectionTime: 5 },
  dropped('end'),
  dropped('mute'),
  dropped('unstreamable'),
  dropped('sleep'),
  dropped('pagehide'),
  { type: 'dropped', drop: { reason: 'status', status: 503, retryAfter: 7 } },
  { type: 'dropped', drop: { reason: 'network', error: 'reset' } },
  { type: 'finished', event: { type: 'done', data: 1, id: 'k-1' } },
  { type: 'failed', failure: { code: 'failed', message: 'bad' } },
]

function run(machine: Machine, ...steps: Input[]): Machine {
  return steps.reduce((now, input) => transition(now, input, policy, { now: 0, jitter: 0 }), machine)
}

/** The same with a larger budget. */
function runLong(machine: Machine, ...steps: Input[]): Machine {
  const patient = { ...policy, budget: 9 }
  return steps.reduce((now, input) => transition(now, input, patient, { now: 0, jitter: 0 }), machine)
}

describe('the state machine', () => {
  it.each(['GET', 'POST'])('%s: no sequence of five inputs breaks a rule', (method) => {
    let checked = 0
    const explore = (machine: Machine, depth: number, isSent: boolean): void => {
      checked += 1
      const { state, failures, delay, drop, event, failure, resumeUrl, request } = machine
      expect(failures).toBeLessThanOrEqual(policy.budget)
      if (state === 'waiting') expect([delay >= 0, drop !== undefined]).toEqual([true, true])
      // What must not be made again is neither asked nor waited for.
      if (state === 'waiting') expect(request).not.toBe('spent')
      if (isSent && method === 'POST') expect(request === 'spent' || resumeUrl !== undefined).toBe(true)
      if (method === 'GET') expect(request).toBe('repeatable')
      if (state === 'ended') expect(failure === undefined || event === undefined).toBe(true)
      if (state === 'ended') for (const input of inputs) expect(run(machine, input)).toBe(machine)
      if (depth === 0 || state === 'ended') return
      for (const input of inputs) {
        // A connection that does not exist tells nothing.
        const isTold = !['open', 'close', 'failed'].includes(input.type)
        if (isTold && state !== 'connecting' && state !== 'open') continue
        if (input.type === 'unsent') explore(run(machine, input), depth - 1, false)
        else explore(run(machine, input), depth - 1, isSent || input.type === 'sent')
      }
    }
    explore(startMachine(policy, method), 5, false)
    expect(checked).toBeGreaterThan(1_000)
  })

  it('goes from idle over connecting, open and waiting back to connecting', () => {
    const states: string[] = []
    let machine = startMachine(policy, 'GET')
    for (const input of [{ type: 'open' }, opened, dropped('end'), { type: 'open' }] as const) {
      machine = run(machine, input)
      states.push(machine.state)
    }
    expect(states).toEqual(['connecting', 'open', 'waiting', 'connecting'])
    expect(machine.failures).toBe(1)
  })

  it('is exhausted when more than its budget failed in a row, and open() by hand starts the count anew', () => {
    const failing: Input[] = [{ type: 'open' }, dropped('end'), { type: 'open' }, dropped('end'), { type: 'open' }]
    const spent = run(startMachine(policy, 'GET'), ...failing, dropped('timeout'))
    expect(spent.failure).toMatchObject({ code: 'exhausted', attempts: 3, drop: { reason: 'timeout' } })
    const machine = run(startMachine(policy, 'GET'), ...failing, { type: 'close' }, { type: 'open' }, dropped('end'))
    expect(machine).toMatchObject({ state: 'waiting', failures: 1 })
  })

  it('may repeat a POST that was never sent, was refused by 401, or has a key, and no other', () => {
    const start = startMachine(policy, 'POST')
    expect(run(start, { type: 'open' }, dropped('timeout')).state).toBe('waiting')
    const sent: Input[] = [{ type: 'open' }, { type: 'sent', key: undefined }]
    expect(run(start, ...sent, dropped('end')).failure?.code).toBe('unresumable')
    expect(run(start, ...sent, { type: 'close' }, { type: 'open' }).failure?.code).toBe('unresumable')
    expect(run(start, ...sent, { type: 'unsent' }, dropped('timeout')).state).toBe('waiting')
    expect(run(start, { type: 'open' }, { type: 'sent', key: 'a' }, dropped('end')).state).toBe('waiting')
  })

  it('a connection is as old as its first byte, however many pages follow, and one without a byte was never healthy', () => {
    const at = (machine: Machine, input: Input, now: number): Machine =>
      transition(machine, input, policy, { now, jitter: 0 })
    const first = at(run(startMachine(policy, 'GET'), { type: 'open' }), opened, 1)
    expect(at(first, dropped('end'), 99_999).failures).toBe(1)
    const heard = at(first, { type: 'heard' }, 2)
    expect(at(at(heard, opened, 3), { type: 'heard' }, 4).heardAt).toBe(2)
    const again = at(at(at(heard, dropped('end'), 5), { type: 'open' }, 6), opened, 7)
    expect(again.heardAt).toBe(Infinity)
    expect(at(again, dropped('mute'), 99_999).failures).toBe(2)
  })

  it('goes over to pages after two mute answers in a row, not where something else came between, and not against its orders', () => {
    const again: Input[] = [opened, dropped('mute'), { type: 'open' }]
    const start = run(startMachine(policy, 'GET'), { type: 'open' })
    expect(run(start, ...again).transport).toBe('sse')
    expect(run(start, ...again, opened, dropped('mute')).transport).toBe('poll')
    expect(run(start, ...again, opened, dropped('end')).mute).toBe(0)
    const sse = startMachine({ ...policy, transport: 'sse' }, 'GET')
    const strict = (machine: Machine, input: Input) =>
      transition(machine, input, { ...policy, transport: 'sse' }, { now: 0, jitter: 0 })
    expect([{ type: 'open' } as const, ...again, opened, dropped('mute')].reduce(strict, sse).transport).toBe('sse')
    const unstreamable = [{ type: 'open' } as const, opened, dropped('unstreamable')].reduce(strict, sse)
    expect(unstreamable.failure?.code).toBe('failed')
    expect(run(start, opened, dropped('unstreamable'))).toMatchObject({ state: 'waiting', transport: 'poll' })
  })

  it('counts silence before the head like silence after it, where the server has pages, and goes back where those do not come', () => {
    const start = runLong(startMachine(policy, 'GET'), { type: 'open' })
    const silent: Input[] = [dropped('timeout'), { type: 'open' }, dropped('timeout')]
    const polling = runLong(start, ...silent, { type: 'open' })
    expect(polling.transport).toBe('poll')
    expect(runLong(polling, dropped('timeout')).transport).toBe('sse')
    expect(runLong(polling, dropped('end')).transport).toBe('sse')
    const paged: Input[] = [{ type: 'opened', transport: 'poll', resumeUrl: undefined }, { type: 'heard' }]
    for (const reason of ['end', 'timeout'] as const) {
      expect(runLong(polling, ...paged, dropped(reason)).transport).toBe('poll')
    }
    // Where a stream once came through, nothing holds it back: the network is down.
    const streamed = runLong(start, opened, { type: 'heard' }, dropped('end'), { type: 'open' }, ...silent)
    expect(streamed.transport).toBe('sse')
    const foreign = { ...policy, hasPages: false }
    const after = silent.reduce((now, input) => transition(now, input, foreign, { now: 0, jitter: 0 }), start)
    expect(after.transport).toBe('sse')
  })

  it('takes a server at its word that has no pages, and asks for the stream again', () => {
    const open = runLong(startMachine(policy, 'GET'), { type: 'open' }, opened, dropped('mute'), { type: 'open' })
    const polling = runLong(open, opened, dropped('mute'), { type: 'open' })
    const refused = (status: number): Input => ({ type: 'failed', failure: { code: 'rejected', message: '', status } })
    for (const status of [200, 406]) {
      expect(runLong(polling, refused(status))).toMatchObject({ state: 'waiting', transport: 'sse', mute: 0 })
    }
    expect(runLong(polling, refused(403)).state).toBe('ended')
    expect(runLong(open, refused(406)).state).toBe('ended')
  })

  it('after sleep connects at once, after pagehide waits for the page, and counts neither as a failure', () => {
    const open = run(startMachine(policy, 'GET'), { type: 'open' }, opened)
    expect(run(open, dropped('sleep'))).toMatchObject({ state: 'waiting', delay: 0, failures: 0 })
    expect(run(open, dropped('pagehide'))).toMatchObject({ state: 'waiting', delay: Infinity, failures: 0 })
    // A connection that was healthy before it slept has paid for the failures before it.
    const failed = run(startMachine(policy, 'GET'), { type: 'open' }, dropped('end'), { type: 'open' }, opened, {
      type: 'heard',
    })
    for (const reason of ['sleep', 'pagehide'] as const) {
      expect(transition(failed, dropped(reason), policy, { now: 9_999, jitter: 0 }).failures).toBe(1)
      expect(transition(failed, dropped(reason), policy, { now: 10_000, jitter: 0 })).toMatchObject({
        failures: 0,
        mute: 0,
      })
    }
    // What could not be resumed is not given up for a mere doubt.
    const posted = run(startMachine(policy, 'POST'), { type: 'open' }, { type: 'sent', key: undefined }, opened)
    expect(run(posted, dropped('sleep'))).toBe(posted)
    expect(run(posted, dropped('pagehide'))).toBe(posted)
  })
})

describe('the backoff', () => {
  const delay = (failures: number, jitter: number, reconnectionTime = 2_000, retryAfter?: number): number =>
    reconnectDelay({ failures, jitter, reconnectionTime, max: 30_000, retryAfter })

  it('waits at least what the server said, with jitter from the first drop on', () => {
    expect([delay(1, 0), delay(1, 0.999)]).toEqual([2_000, 2_999])
    for (let failures = 1; failures < 50; failures += 1) {
      expect(delay(failures, 0)).toBe(2_000)
      expect(delay(failures, 0.999)).toBeGreaterThan(2_900)
      expect(delay(failures, 0.999)).toBeLessThanOrEqual(30_000)
    }
  })

  it('spreads over the whole range up to a ceiling that doubles and then stays', () => {
    expect([1, 2, 3, 4, 5, 6, 1_000].map((failures) => delay(failures, 0.5))).toEqual([
      2_500, 3_000, 5_000, 9_000, 16_000, 16_000, 16_000,
    ])
  })

  it('honours retry: 0 once, and backs off from repeated failures all the same', () => {
    expect([1, 2, 3, 4].map((failures) => delay(failures, 0.5, 0))).toEqual([0, 1_000, 2_000, 4_000])
  })

  it('clamps a reconnection time beyond the maximum, and still spreads its readers', () => {
    expect([delay(1, 0, 99_999_999_999), delay(9, 0, Infinity)]).toEqual([30_000, 30_000])
    expect(delay(9, 0.5, 30_000)).toBe(37_500)
  })

  it('takes a random number that is none for no jitter', () => {
    expect(delay(1, Number.NaN)).toBe(2_000)
  })

  it('takes Retry-After as a floor, with the jitter on top', () => {
    expect([delay(1, 0, 2_000, 7_000), delay(1, 0.5, 2_000, 7_000), delay(1, 0, 2_000, 1)]).toEqual([
      7_000, 7_500, 2_000,
    ])
  })
})
