import { describe, expect, it } from 'vitest'
import { agentEvents, defineEvents, executionEvents, isReservedType } from '../src/index.js'

const failure = { code: 'stream_timeout', message: 'The run took too long.' }

describe('contracts', () => {
  it('§8.1 a session ends with agent:complete or a fatal agent:error', () => {
    expect(agentEvents.isTerminal('agent:complete', {})).toBe(true)
    expect(agentEvents.isTerminal('agent:error', { fatal: true })).toBe(true)
    expect(agentEvents.isTerminal('agent:error', { fatal: false })).toBe(false)
  })

  it('§8.3 execution_complete ends a workflow, and is an ordinary event of a session', () => {
    expect(executionEvents.isTerminal('execution_complete', {})).toBe(true)
    expect(agentEvents.isTerminal('execution_complete', {})).toBe(false)
    expect(agentEvents.types.has('task_complete')).toBe(true)
  })

  it.each([
    ['agent', agentEvents],
    ['execution', executionEvents],
  ])('§6.5 the failure events of the %s contract end with a terminal one and carry the public text', (_, contract) => {
    const events = contract.failure(failure)
    expect(events.map(({ type, data }) => contract.isTerminal(type, data))).toEqual(
      events.map((_, i) => i === events.length - 1),
    )
    expect(JSON.stringify(events)).toContain(failure.message)
  })

  it.each(['toString', '__proto__', 'constructor', 'message'])('an unknown type such as %s ends nothing', (type) => {
    expect(agentEvents.isTerminal(type, {})).toBe(false)
  })

  it('refuses types that no frame could carry, and a stream without an end', () => {
    const none = { failure: () => [] }
    expect(() => defineEvents({ types: { 'a\nb': { terminal: true } }, ...none })).toThrow(TypeError)
    expect(() => defineEvents({ types: { '': { terminal: true } }, ...none })).toThrow(TypeError)
    expect(() => defineEvents({ types: { tick: {} }, ...none })).toThrow(/could never end/)
  })

  it('§2.5 heartbeat and stream:* are reserved', () => {
    expect(['heartbeat', 'stream:gap', 'stream:x'].every(isReservedType)).toBe(true)
    expect(['heartbeats', 'streams', 'agent:status'].some(isReservedType)).toBe(false)
  })
})
