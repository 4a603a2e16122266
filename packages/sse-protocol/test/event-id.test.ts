import { describe, expect, it } from 'vitest'
import { compareEventIds, formatEventId, parseEventId } from '../src/index.js'

describe('event ids', () => {
  it('§3.1 are epoch and sequence', () => {
    expect(formatEventId('4k1x9fz02c', 17)).toBe('4k1x9fz02c-17')
    expect(parseEventId('4k1x9fz02c-17')).toEqual({ epoch: '4k1x9fz02c', sequence: 17 })
    expect(parseEventId('k-0')).toEqual({ epoch: 'k', sequence: 0 })
  })

  it.each([
    '',
    '-',
    'k',
    'k-',
    '-1',
    'k-01',
    'k--1',
    'k-1 ',
    ' k-1',
    'K-1',
    'k-1.5',
    'k-1e3',
    'k-NaN',
    'k-9007199254740992',
    'k-1\n',
    'é-1',
  ])('§3.1 %j is none', (text) => expect(parseEventId(text)).toBeUndefined())

  it('§3.1 are at most 64 characters long', () => {
    expect(parseEventId(`${'k'.repeat(62)}-1`)).toBeDefined()
    expect(parseEventId(`${'k'.repeat(63)}-1`)).toBeUndefined()
    expect(parseEventId(`${'k'.repeat(1_000_000)}-1`)).toBeUndefined()
  })

  it('§3.5 have an order within an epoch only', () => {
    expect(compareEventIds({ epoch: 'a', sequence: 2 }, { epoch: 'a', sequence: 10 })).toBeLessThan(0)
    expect(compareEventIds({ epoch: 'a', sequence: 2 }, { epoch: 'a', sequence: 2 })).toBe(0)
    expect(compareEventIds({ epoch: 'a', sequence: 2 }, { epoch: 'b', sequence: 2 })).toBeUndefined()
  })
})
