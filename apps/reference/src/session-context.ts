import type { SessionEventMap } from '@x/sse-protocol'
import type { Stream } from '@x/sse-server'
import type { AgentContext } from './agent.js'
import type { Executions } from './executions.js'
import { shorten } from './short-text.js'

/** An agent's hands on its own stream. Its functions need no `this`, so that an agent may take them apart. */
export function createSessionContext(
  stream: Stream<SessionEventMap>,
  executions: Executions,
  maxPayloadBytes: number,
): AgentContext {
  let executionCount = 0
  return {
    signal: stream.signal,
    async status(phase, status, { message, progress } = {}) {
      await stream.publish('agent:status', {
        phase,
        status,
        ...(message === undefined ? undefined : { message: shorten(message, maxPayloadBytes) }),
        ...(progress === undefined ? undefined : { progress }),
      })
    },
    async write(text) {
      await stream.pipeText(text)
    },
    async warn({ code, message, retryable = false }) {
      const text = shorten(message, maxPayloadBytes)
      await stream.publish('agent:error', { code, message: text, retryable, fatal: false })
    },
    execute(dag, tools, onTaskComplete) {
      executionCount += 1
      // The first execution of a session goes by the session's own id.
      const executionId = executionCount === 1 ? stream.id : `${stream.id}.${executionCount}`
      return executions.run(stream, executionId, dag, tools, onTaskComplete)
    },
  }
}
