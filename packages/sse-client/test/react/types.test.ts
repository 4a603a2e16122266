import { agentEvents, type ExecutionEventMap, executionEvents } from '@x/sse-protocol'
import { expectTypeOf, it } from 'vitest'
import type { EventStreamClient, EventStreamError, StreamEvent, StreamGap, StreamState } from '../../src/index.js'
import { type UseEventStreamResult, useEventStream } from '../../src/react.js'

/** Compiled, and never called: hooks have no place outside of a component. */
function Types() {
  const session = useEventStream('/api/v1/stream/s1', {
    events: agentEvents,
    onEvent: (event) => {
      if (event.type === 'agent:chunk') expectTypeOf(event.data.text).toEqualTypeOf<string>()
    },
  })
  expectTypeOf(session.state).toEqualTypeOf<StreamState>()
  expectTypeOf(session.gap).toEqualTypeOf<StreamGap | undefined>()
  expectTypeOf(session.error).toEqualTypeOf<EventStreamError | undefined>()
  expectTypeOf(session.text).toEqualTypeOf<string>()
  expectTypeOf(session.transport).toEqualTypeOf<'sse' | 'poll'>()
  expectTypeOf(session.value).toEqualTypeOf<undefined>()
  if (session.event?.type === 'agent:error') expectTypeOf(session.event.data.fatal).toEqualTypeOf<boolean>()
  if (session.result?.type === 'agent:complete') expectTypeOf(session.result.data.durationMs).toEqualTypeOf<number>()
  session.client?.addEventListener('agent:chunk', ({ data }) => void expectTypeOf(data.text).toEqualTypeOf<string>())

  const countTasks = (count: number, event: StreamEvent<ExecutionEventMap>) =>
    count + (event.type === 'task_complete' ? 1 : 0)
  const execution = useEventStream(null, { events: executionEvents, reduce: countTasks, initialValue: 0 })
  expectTypeOf(execution).toEqualTypeOf<UseEventStreamResult<ExecutionEventMap, number>>()
  const inline = useEventStream(new URL('http://127.0.0.1/'), {
    events: executionEvents,
    initialValue: [] as string[],
    reduce: (ids, event) => (event.type === 'task_start' ? [...ids, event.data.taskId] : ids),
  })
  expectTypeOf(inline.value).toEqualTypeOf<string[]>()
  // @ts-expect-error: a value has to begin with something
  useEventStream('/', { events: executionEvents, reduce: countTasks })
  // @ts-expect-error: an initial value that nothing reduces
  useEventStream('/', { events: executionEvents, initialValue: 0 })

  const id = '' as string | undefined
  useEventStream(id !== undefined && `/${id}`)
  const untyped = useEventStream(undefined)
  expectTypeOf(untyped.event?.data).toEqualTypeOf<unknown>()
  expectTypeOf(untyped.client).toEqualTypeOf<EventStreamClient<Record<string, unknown>> | undefined>()
  // @ts-expect-error: no such option
  useEventStream('/', { retries: 3 })
}

it('gives the types of the contract to onEvent, event, result, client and value', () => {
  expectTypeOf(Types).toBeFunction()
})
