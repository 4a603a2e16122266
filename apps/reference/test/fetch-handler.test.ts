import { agentEvents } from '@x/sse-protocol'
import { SseServer } from '@x/sse-server'
import pino from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { Executions } from '../src/executions.js'
import { OutputStore } from '../src/output-store.js'
import { RunLimit } from '../src/run.js'
import { sleep } from '../src/tools.js'
import { Workflows } from '../src/workflows.js'
import { collect, eventsOf } from './reference-server.js'

function createWorkflows() {
  const sse = new SseServer({ events: agentEvents })
  onTestFinished(() => sse.close({ drain: 0 }))
  const logger = pino({ level: 'silent' })
  const limits = { maxPayloadBytes: 65_536, maxOutputBytes: 2 ** 20 }
  const store = new OutputStore({ maxBytes: 2 ** 20, retention: 1_000 })
  const executions = new Executions({ ...limits, store, logger })
  const runs = new RunLimit(10, () => false)
  return { sse, workflows: new Workflows({ sse, tools: { sleep }, executions, runs, maxTasks: 10, logger }) }
}

const dag = { tasks: ['a', 'b', 'c'].map((id) => ({ id, tool: 'sleep', arguments: { ms: 300 } })) }
const request = (accept?: string) => new Request('http://localhost/', accept ? { headers: { Accept: accept } } : {})

it('B12 a Request that accepts an event stream gets a Response with the events as they happen', async () => {
  const { sse, workflows } = createWorkflows()
  const response = await workflows.handleWorkflowRequest(request('text/event-stream'), dag)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const events = (await collect(eventsOf(response))).slice(1)
  expect(events[0]?.type).toBe('execution_start')
  expect(events.at(-1)?.type).toBe('execution_complete')
  expect(JSON.parse(events.at(-1)!.data).speedup).toBeGreaterThan(2.5)
  const streamId = response.headers.get('content-location')!.split('/').at(-1)!
  const resumed = await sse.fetch(
    new Request('http://localhost/', { headers: { 'Last-Event-ID': events[3]!.id! } }),
    streamId,
  )
  expect((await collect(eventsOf(resumed))).slice(1)).toEqual(events.slice(4))
})

it('B6 a Request that does not gets the result as JSON', async () => {
  const { workflows } = createWorkflows()
  const response = await workflows.handleWorkflowRequest(request(), dag)
  const result = await response.json()
  expect(result).toMatchObject({ status: 'success', errors: [], parallelizationLayers: 1 })
  expect(result.speedup).toBeGreaterThan(2.5)
  expect((await workflows.handleWorkflowRequest(request('text/html'), dag)).status).toBe(406)
})
