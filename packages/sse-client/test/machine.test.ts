import { describe, expect, it } from 'vitest'
// The machine is not public; its tests need no network, no timer and no client.
import { reconnectDelay } from '../src/backoff.js'
import { type Input, type Machine, type RetryPolicy, startMachine, transition } from '../src/machine.js'

const policy: RetryPolicy = { initial: 2_000, max: 30_000, budget: 2, healthyAfter: 10_000 }
const drop: Input = { type: 'dropped', at: 0, drop: { reason: 'end' }, jitter: 0 }
const inputs: Input[] = [
  { type: 'open' },
  { type: 'close' },
  { type: 'abort', cause: 'enough' },
  { type: 'sent' },
  { type: 'opened', at: 0, resumeUrl: undefined },
  { type: 'opened', at: 0, resumeUrl: 'http://127.0.0.1/resume' },
  { type: 'retry', reconnectionTime: 5 },
  drop,
  { type: 'dropped', at: 99_999, drop: { reason: 'status', status: 503, retryAfter: 7 }, jitter: 0.9 },
  { type: 'dropped', at: 0, drop: { reason: 'network', error: 'reset' }, jitter: 0.5 },
  { type: 'timer' },
  { type: 'finished', event: { type: 'done', data: 1, id: 'k-1' } },
  { type: 'failed', failure: { code: 'failed', message: 'bad' } },
]

/** The state and the effects' types after the inputs. */
function run(machine: Machine, ...steps: Input[]): { machine: Machine; effects: string[] } {
  const effects: string[] = []
  let now = machine
  for (const input of steps) {
    const result = transition(now, input, policy)
    effects.push(...result.effects.map(({ type }) => type))
    now = result.machine
  }
  return { machine: now, effects }
}

describe('the state machine', () => {
  it.each(['GET', 'POST'])('%s: no sequence of four inputs leaks a connection or a timer, or ends twice', (method) => {
    let checked = 0
    const explore = (machine: Machine, depth: number, connections: number, timers: number, ends: number): void => {
      checked += 1
      // What is open or running is exactly what the state says.
      expect(connections, machine.state).toBe(machine.state === 'connecting' || machine.state === 'open' ? 1 : 0)
      expect(timers, machine.state).toBe(machine.state === 'waiting' ? 1 : 0)
      expect(ends, machine.state).toBe(machine.state === 'ended' ? 1 : 0)
      if (depth === 0 || machine.state === 'ended') return
      for (const input of inputs) {
        let [open, running, ended] = [connections, input.type === 'timer' ? 0 : timers, ends]
        // A timer or a connection that does not exist tells nothing.
        if (input.type === 'timer' && timers === 0) continue
        const result = transition(machine, input, policy)
        for (const { type } of result.effects) {
          if (type === 'connect') open += 1
          else if (type === 'disconnect') open -= 1
          else if (type === 'wait') running += 1
          else if (type === 'cancelWait') running -= 1
          else ended += 1
        }
        explore(result.machine, depth - 1, open, running, ended)
      }
    }
    explore(startMachine(policy, method), 4, 0, 0, 0)
    expect(checked).toBeGreaterThan(500)
  })

  it('changes nothing after the end, whatever comes', () => {
    const { machine } = run(startMachine(policy, 'GET'), { type: 'abort', cause: 'enough' })
    for (const input of inputs) expect(transition(machine, input, policy)).toEqual({ machine, effects: [] })
  })

  it('goes from idle over connecting, open and waiting back to connecting', () => {
    const opened: Input = { type: 'opened', at: 0, resumeUrl: undefined }
    const { machine, effects } = run(startMachine(policy, 'GET'), { type: 'open' }, opened, drop, { type: 'timer' })
    expect(machine).toMatchObject({ state: 'connecting', failures: 1 })
    expect(effects).toEqual(['connect', 'disconnect', 'wait', 'connect'])
  })

  it('is exhausted when more than its budget failed in a row, and open() by hand starts the count anew', () => {
    const failing: Input[] = [{ type: 'open' }, drop, { type: 'timer' }, drop, { type: 'timer' }]
    expect(run(startMachine(policy, 'GET'), ...failing, drop).machine.state).toBe('ended')
    const { machine } = run(startMachine(policy, 'GET'), ...failing, { type: 'close' }, { type: 'open' }, drop)
    expect(machine).toMatchObject({ state: 'waiting', failures: 1 })
  })

  it('may repeat a POST that was never sent, and none that was', () => {
    const unsent = run(startMachine(policy, 'POST'), { type: 'open' }, drop)
    expect(unsent.machine.state).toBe('waiting')
    const sent = run(unsent.machine, { type: 'timer' }, { type: 'sent' }, drop)
    expect(sent.machine.state).toBe('ended')
    const again = run(
      startMachine(policy, 'POST'),
      { type: 'open' },
      { type: 'sent' },
      { type: 'close' },
      { type: 'open' },
    )
    expect(again.effects).toEqual(['connect', 'disconnect', 'reject'])
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

  it('takes Retry-After as a floor, with the jitter on top', () => {
    expect([delay(1, 0, 2_000, 7_000), delay(1, 0.5, 2_000, 7_000), delay(1, 0, 2_000, 1)]).toEqual([
      7_000, 7_500, 2_000,
    ])
  })
})
