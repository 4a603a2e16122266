import { agentEvents, executionEvents } from '@x/sse-protocol'

/** Whose event types are taken to mean what they mean in PROTOCOL.md §8. */
export const vocabularies = ['auto', 'agent', 'execution', 'none'] as const

/** Which events end a stream. */
export interface EndRule {
  readonly vocabulary: (typeof vocabularies)[number]
  /** Types that end the stream, too. */
  readonly terminal: ReadonlySet<string>
  /** Types that end it, and say that the run failed. */
  readonly failure: ReadonlySet<string>
}

export type Outcome = 'success' | 'failure'

/** What one event says about the end. */
export type Judgement =
  | { readonly type: 'more' }
  | { readonly type: 'end'; readonly outcome: Outcome }
  /** The end in some streams: the server has to confirm it with 204 (PROTOCOL.md §6.3). */
  | { readonly type: 'maybe'; readonly outcome: Outcome }

/** The contract for the client, where the vocabulary says that the server speaks this protocol. */
export const contracts = { auto: undefined, agent: agentEvents, execution: executionEvents, none: undefined } as const

/**
 * Judges an event. `execution_complete` is the end of a workflow and ordinary inside a session, and no event before it tells them apart for
 * sure: a session may begin with an execution, and a reader in its middle. So `auto` believes it when the server says 204 after it.
 */
export function judge(type: string, data: unknown, { vocabulary, terminal, failure }: EndRule): Judgement {
  if (failure.has(type)) return { type: 'end', outcome: 'failure' }
  const outcome = outcomeOf(type, data, vocabulary)
  if (terminal.has(type)) return { type: 'end', outcome: outcome ?? 'success' }
  if (outcome === undefined) return { type: 'more' }
  return { type: type === 'execution_complete' && vocabulary === 'auto' ? 'maybe' : 'end', outcome }
}

function outcomeOf(type: string, data: unknown, vocabulary: EndRule['vocabulary']): Outcome | undefined {
  const members: { readonly status?: unknown } = typeof data === 'object' && data !== null ? data : {}
  if ((vocabulary === 'auto' || vocabulary === 'agent') && agentEvents.isTerminal(type, members)) {
    return type === 'agent:complete' ? 'success' : 'failure'
  }
  if ((vocabulary === 'auto' || vocabulary === 'execution') && executionEvents.isTerminal(type, members)) {
    return members.status === 'success' ? 'success' : 'failure'
  }
  return undefined
}
