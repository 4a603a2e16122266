import { EventStreamClient } from '@x/sse-client'
import { agentEvents, type SessionEventMap } from '@x/sse-protocol'
import { ScanView } from './scan-view.js'

const view = new ScanView(document)
let client: EventStreamClient<SessionEventMap> | undefined

view.onStart(async (path) => {
  client?.close()
  view.clear()
  const response = await fetch('api/v1/sessions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ agent: 'scanner', input: { path } }),
  })
  const answer = await response.json()
  if (!response.ok)
    throw new Error(answer.errors?.[0]?.detail ?? answer.detail ?? `The server answered ${response.status}`)
  // The address of the page names the stream, so that a reload shows the same scan again.
  history.replaceState(null, '', `#${answer.sessionId}`)
  follow(answer.sessionId)
})

view.onConnection(() => {
  if (!client) return
  if (client.state === 'idle') client.open()
  else client.close()
})

view.onCancel(() => {
  if (client) void fetch(client.url, { method: 'DELETE' })
})

function follow(sessionId: string): void {
  const url = new URL(`api/v1/stream/${encodeURIComponent(sessionId)}`, document.baseURI.split('#')[0])
  const next = new EventStreamClient<SessionEventMap>(url, { events: agentEvents })
  client = next
  view.connected(url)

  next.addEventListener('statechange', () => view.state(next.state))
  next.addEventListener('*', () => view.cursor(next.lastEventId))
  next.addEventListener('gap', ({ gap }) => view.notice(`Events are missing (${gap.reason}).`))
  next.addEventListener('agent:status', ({ data }) => view.phase(data))
  next.addEventListener('agent:chunk', ({ data }) => view.chunk(data))
  next.addEventListener('agent:error', ({ data }) => view.notice(data.message))
  next.addEventListener('task_start', ({ data }) => view.task(data.taskId, { state: 'running' }))
  next.addEventListener('task_progress', ({ data }) =>
    view.task(data.taskId, { progress: data.progress === undefined ? '' : `${Math.round(data.progress * 100)} %` }),
  )
  next.addEventListener('task_complete', ({ data }) =>
    view.task(data.taskId, { state: data.status, progress: '', time: String(Math.round(data.executionTimeMs)) }),
  )
  next.done.then(
    () => view.ended(),
    (error: unknown) => view.failed(error instanceof Error ? error.message : String(error)),
  )
}

if (location.hash.length > 1) follow(decodeURIComponent(location.hash.slice(1)))
