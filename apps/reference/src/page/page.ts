import { EventStreamClient } from '@x/sse-client'
import { agentEvents, type SessionEventMap } from '@x/sse-protocol'
import { ScanView } from './scan-view.js'

const view = new ScanView(document)
let client: EventStreamClient<SessionEventMap> | undefined

view.onStart(async (path) => {
  const sessionId = await startScan(path)
  // Only now: a scan that could not start must leave the one on the screen as it is.
  client?.close()
  // The address of the page names the stream, so that a reload shows the same scan again.
  history.replaceState(null, '', `#${sessionId}`)
  follow(sessionId)
})

view.onConnection(() => {
  if (!client) return
  if (client.state === 'idle') client.open()
  else client.close()
})

view.onCancel(async () => {
  if (!client) return
  const { ok, status } = await fetch(client.url, { method: 'DELETE' })
  view.notice(ok ? 'The scan was asked to stop.' : `The scan could not be cancelled (status ${status}).`)
})

async function startScan(path: string): Promise<string> {
  const response = await fetch('api/v1/sessions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ agent: 'scanner', input: { path } }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.errors?.[0]?.detail ?? answer.detail ?? `status ${response.status}`)
  return answer.sessionId
}

function follow(sessionId: string): void {
  const url = new URL(`api/v1/stream/${encodeURIComponent(sessionId)}`, document.baseURI.split('#')[0])
  const next = new EventStreamClient<SessionEventMap>(url, { events: agentEvents })
  client = next
  view.begin(url)

  next.addEventListener('statechange', () => view.state(next.state))
  next.addEventListener('*', () => view.cursor(next.lastEventId))
  next.addEventListener('gap', ({ gap }) => {
    // PROTOCOL.md §5.3: after these two the stream is another one, told from its beginning.
    if (gap.reason === 'epoch' || gap.reason === 'ahead') view.begin(url)
    view.notice(`Events are missing (${gap.reason}).`)
  })
  next.addEventListener('agent:status', ({ data }) => view.phase(data))
  next.addEventListener('agent:chunk', ({ data }) => view.chunk(data))
  next.addEventListener('agent:complete', () => view.finish('complete'))
  next.addEventListener('agent:error', ({ data }) => {
    view.notice(data.message)
    if (data.fatal) view.finish(data.code === 'cancelled' ? 'cancelled' : 'failed')
  })
  next.addEventListener('execution_start', ({ data }) => {
    if (Array.isArray(data.tasks)) for (const { id } of data.tasks) view.task(id, { state: 'waiting' })
  })
  next.addEventListener('task_start', ({ data }) => view.task(data.taskId, { state: 'running' }))
  next.addEventListener('task_progress', ({ data }) =>
    view.task(data.taskId, { progress: data.progress === undefined ? '' : `${Math.round(data.progress * 100)} %` }),
  )
  next.addEventListener('task_complete', ({ data }) =>
    view.task(data.taskId, { state: data.status, progress: '', time: String(Math.round(data.executionTimeMs)) }),
  )
  next.done.catch((error: unknown) => {
    view.finish('failed')
    view.problem(error)
  })
}

if (location.hash.length > 1) follow(decodeURIComponent(location.hash.slice(1)))
