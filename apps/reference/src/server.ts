import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ToolRegistry } from '@x/dag-executor'
import { agentEvents } from '@x/sse-protocol'
import { MemoryEventLog, SseServer } from '@x/sse-server'
import express from 'express'
import helmet from 'helmet'
import type { Logger } from 'pino'
import type { Agent } from './agent.js'
import { createApi } from './api.js'
import type { Config } from './config.js'
import { Executions } from './executions.js'
import { IdempotencyKeys } from './idempotency.js'
import { createMetrics } from './metrics.js'
import { OutputStore } from './output-store.js'
import { answerBadRequests, problemHandler, unknownRoute } from './problems.js'
import { RunLimit } from './run.js'
import { scannerAgent } from './scanner/agent.js'
import { scannerTools } from './scanner/tools.js'
import { Sessions } from './sessions.js'
import { sleep } from './tools.js'
import { Workflows } from './workflows.js'

/** Milliseconds that the log and the results of an ended run are kept. */
const retention = 5 * 60_000
/** Bytes of whole outputs and results that are kept for the events which hold only a preview. */
const maxStoredBytes = 128 * 2 ** 20
/** Bytes of the outputs that all executions at work may hold together, as JSON. */
const maxOutputBytes = 64 * 2 ** 20
const requestTimeout = 30_000

export interface ReferenceServer {
  readonly http: Server
  /** Starts to listen; resolves with the address. @throws Error where the port is taken. */
  listen(): Promise<string>
  /** Ends open streams within `drain` milliseconds, then everything else. */
  close(drain: number): Promise<void>
}

export interface ReferenceServerOptions {
  readonly config: Config
  readonly logger: Logger
  /** Agents beside the scanner, or in its place: of two with one name the first counts. */
  readonly agents?: readonly Agent[] | undefined
  /** Tools beside the scanner's and `sleep`. */
  readonly tools?: ToolRegistry | undefined
}

/** Puts the four packages together: a log, an SSE server, the agents and the tools behind Express routes. */
export function createReferenceServer({ config, logger, ...more }: ReferenceServerOptions): ReferenceServer {
  const sse = new SseServer({
    events: agentEvents,
    log: new MemoryEventLog({ maxEvents: config.replayMaxEvents, retention }),
    heartbeatInterval: config.heartbeatInterval,
    maxConnections: config.maxConnections,
    maxPayloadBytes: config.maxPayloadBytes,
    streamTimeout: config.streamTimeout || Number.POSITIVE_INFINITY,
  })
  sse.addEventListener('error', ({ error, streamId }) => logger.error({ err: error, streamId }, 'a stream failed'))
  const scanner = scannerTools({ root: config.scanRoot })
  const tools = { ...scanner.tools, sleep, ...more.tools }
  const agents = [...(more.agents ?? []), scannerAgent({ root: config.scanRoot, tools: scanner.tools })]
  const { maxPayloadBytes, maxTasks } = config
  const store = new OutputStore({ maxBytes: maxStoredBytes, retention })
  const executions = new Executions({ maxPayloadBytes, maxOutputBytes, store, logger })
  const runs = new RunLimit(config.maxRuns, () => sse.closing)
  const sessions = new Sessions({ sse, agents, executions, maxPayloadBytes, store, logger })
  const workflows = new Workflows({ sse, tools, executions, runs, maxTasks, logger })
  const keys = {
    sessions: new IdempotencyKeys(retention),
    workflows: new IdempotencyKeys(retention),
  }
  const metrics = createMetrics({ sse, runs, store })

  const app = express()
  app.disable('x-powered-by')
  app.use(
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    }),
  )
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }))
  app.get('/readyz', (_request, response) => {
    response.status(sse.closing ? 503 : 200).json({ status: sse.closing ? 'draining' : 'ready' })
  })
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.metrics())
  })
  app.use(
    '/api/v1',
    createApi({ sse, sessions, workflows, executions, runs, keys, tools, maxBodyBytes: config.maxBodyBytes }),
  )
  app.use(express.static(fileURLToPath(new URL('../public', import.meta.url))))
  app.use(express.static(fileURLToPath(new URL('../dist/public', import.meta.url))))
  app.use(unknownRoute, problemHandler(logger))

  const http = createServer({ requestTimeout }, app)
  answerBadRequests(http)
  return {
    http,
    listen: () => listen(http, config),
    async close(drain) {
      const deadline = setTimeout(() => http.closeAllConnections(), drain)
      // New requests are still answered while the streams end: `/readyz` must be able to say that this server is leaving.
      await sse.close({ drain })
      await new Promise((resolve) => http.close(resolve))
      clearTimeout(deadline)
      await scanner.close()
    },
  }
}

function listen(http: Server, { port, host }: Config): Promise<string> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, () => {
      http.off('error', reject)
      const address = http.address() as AddressInfo
      const name = host === '127.0.0.1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host
      resolve(`http://${name.includes(':') ? `[${name}]` : name}:${address.port}`)
    })
  })
}
