import type { AgentChunk } from '@x/sse-protocol'
import type { GapEvent, StreamMessageEvent } from './stream-event.js'

/** A text that grows, in the form in which React, Svelte and others take a store. */
export interface TextStore {
  /** The text so far. */
  getSnapshot(): string
  /** Whether no part of the text so far is missing. */
  isWhole(): boolean
  /** Calls back after each change of the text. Returns what ends that. */
  subscribe(listener: () => void): () => void
}

/**
 * Folds the `agent:chunk` events that a client reads from here on into the agent's text (PROTOCOL.md §8.2). A gap after which a reader
 * has to discard its state (§5.3) begins a new text.
 *
 * @example
 * const text = accumulate(client)
 * text.subscribe(() => show(text.getSnapshot()))
 */
export function accumulate(client: EventTarget): TextStore {
  const changes = new EventTarget()
  let text = ''
  /** Where the first part is missing. */
  let hole = Infinity
  const set = (next: string): void => {
    text = next
    // A subscriber that throws is reported, as a listener is, and hurts no other one.
    changes.dispatchEvent(new Event('change'))
  }
  client.addEventListener('agent:chunk', (event) => {
    const { data } = event as StreamMessageEvent
    const { text: part, offset }: Partial<AgentChunk> = Object(data)
    const { length } = text
    if (typeof part !== 'string' || !(offset! >= 0) || offset! > length) hole = Math.min(hole, length)
    else if (offset! <= hole) hole = Infinity
    // Whatever a server sends: what is no text is left out.
    if (typeof part === 'string') set(text.slice(0, Math.max(0, offset ?? text.length)) + part)
  })
  client.addEventListener('gap', (event) => {
    if (!/^(epoch|ahead)$/.test((event as GapEvent).gap.reason)) return
    hole = Infinity
    set('')
  })
  return {
    getSnapshot: () => text,
    isWhole: () => hole === Infinity,
    subscribe(listener) {
      const call = (): void => listener()
      changes.addEventListener('change', call)
      return () => changes.removeEventListener('change', call)
    },
  }
}
