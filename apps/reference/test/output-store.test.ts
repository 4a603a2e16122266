import { afterEach, expect, it, vi } from 'vitest'
import { OutputStore } from '../src/output-store.js'

afterEach(() => vi.useRealTimers())

it('keeps texts, the oldest going first where there are too many bytes', () => {
  const store = new OutputStore({ maxBytes: 10, retention: 1_000 })
  store.put('a', '1234')
  store.put('b', '5678')
  store.put('c', '€€')
  expect(['a', 'b', 'c'].map((key) => store.get(key)?.toString())).toEqual([undefined, '5678', '€€'])
  expect(store.bytes).toBe(10)
})

it('does not keep a text that is larger than itself, nor drops the others for it', () => {
  const store = new OutputStore({ maxBytes: 10, retention: 1_000 })
  store.put('a', '1234')
  store.put('b', '12345678901')
  expect([store.get('b'), store.get('a')?.toString(), store.bytes]).toEqual([undefined, '1234', 4])
})

it('counts a text once that is put twice', () => {
  const store = new OutputStore({ maxBytes: 10, retention: 1_000 })
  store.put('a', '1234')
  store.put('a', '12')
  expect([store.get('a')?.toString(), store.bytes]).toEqual(['12', 2])
})

it('keeps a text until its retention after the release is over', () => {
  vi.useFakeTimers()
  const store = new OutputStore({ maxBytes: 10, retention: 1_000 })
  store.put('a', '1234')
  vi.advanceTimersByTime(5_000)
  expect(store.get('a')).toBeDefined()
  store.release(['a'])
  vi.advanceTimersByTime(999)
  expect(store.get('a')).toBeDefined()
  vi.advanceTimersByTime(1)
  expect([store.get('a'), store.bytes]).toEqual([undefined, 0])
})
