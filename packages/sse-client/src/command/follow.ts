import { once } from 'node:events'
import type { WriteStream } from 'node:tty'
import { EventStreamClient, type EventStreamClientOptions, EventStreamError, type StreamEvent } from '../index.js'
import { painter, usesColour } from './colour.js'
import type { Command } from './command.js'
import { Continuation } from './continuation.js'
import { contracts, type Judgement, judge, type Outcome } from './end-rule.js'
import { toJsonLine, toTextLine } from './event-line.js'
import { exitCodes } from './exit-codes.js'
import { Notices } from './notices.js'
import { contentTypeOf } from './request-body.js'
import { describeError, describeFaults, describeGap, describeWait } from './wording.js'

export interface FollowOptions {
  readonly command: Command
  readonly body: Buffer | undefined
  readonly stdout: WriteStream
  readonly stderr: WriteStream
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Ends the reading. Its reason is an {@link Interruption}. */
  readonly signal: AbortSignal
}

/** Why the reading has to end before the stream does. */
export interface Interruption {
  readonly exitCode: number
  /** Nothing is said without it. */
  readonly message?: string
}

/** Prints a stream until it ends. Returns the exit code. */
export async function follow(options: FollowOptions): Promise<number> {
  const { command, stdout, stderr, environment, signal } = options
  const { endRule, json, full } = command
  const paint = painter(usesColour(stdout, environment))
  const paintNotice = painter(usesColour(stderr, environment))
  const notices = new Notices((line, tone) => stderr.write(`${paintNotice(tone, line)}\n`))
  const continuation = new Continuation(command.method)
  const client = new EventStreamClient(command.url, clientOptions(options, continuation))
  watch(client, command, notices)

  /** The last event that the reader of standard output has got. */
  let printedId = command.lastEventId
  let printing: StreamEvent | undefined
  let last: Judgement = { type: 'more' }
  const end = (outcome: Outcome): number => {
    if (outcome === 'success') notices.conclude('complete', 'green')
    else notices.conclude('the run failed', 'red')
    return outcome === 'success' ? exitCodes.complete : exitCodes.failed
  }
  const breakOff = (message: string): void => {
    const next = continuation.after(printedId)
    notices.conclude(next === undefined ? message : `${message}; to go on: ${next}`, 'red')
  }
  try {
    for await (const event of client) {
      printing = event
      last = judge(event.type, event.data, endRule)
      const columns = stdout.isTTY && !full ? stdout.columns : Infinity
      const line = json ? toJsonLine(event) : toTextLine(event, last, columns, paint)
      const ready = stdout.write(`${line}\n`, (error) => {
        if (!error) printedId = event.id
      })
      if (!ready) await once(stdout, 'drain', { signal })
      notices.printed()
      if (last.type === 'end') return end(last.outcome)
    }
    return end(last.type === 'more' ? 'success' : last.outcome)
  } catch (error) {
    if (signal.aborted) {
      const { exitCode, message }: Interruption = signal.reason
      if (message !== undefined) breakOff(message)
      return exitCode
    }
    await written(stdout, signal)
    if (!EventStreamError.isInstance(error)) {
      // The same place would lead to the same event.
      printedId = printing?.id
      breakOff(
        `an event of type ${printing?.type} cannot be printed: ${error instanceof Error ? error.message : error}`,
      )
      return exitCodes.unread
    }
    for (const fault of describeFaults(error)) notices.tell(fault)
    // After a gap the same place leads to the same gap.
    if (error.code === 'gap') notices.conclude(describeError(error), 'red')
    else breakOff(describeError(error))
    return exitCodes.unread
  }
}

/** Until all output has left, or does not have to. */
function written(stdout: WriteStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    stdout.write('', () => resolve())
  })
}

function clientOptions({ command, body, signal }: FollowOptions, continuation: Continuation): EventStreamClientOptions {
  const headers = new Headers(command.headers)
  if (body && !headers.has('content-type')) headers.set('content-type', contentTypeOf(body))
  return {
    events: contracts[command.endRule.vocabulary] as EventStreamClientOptions['events'],
    method: command.method,
    headers,
    body: body as BodyInit | undefined,
    lastEventId: command.lastEventId,
    transport: command.transport,
    retry: { budget: command.retryBudget },
    onGap: command.onGap,
    signal,
    autoOpen: false,
    fetch: async (url: string, init: RequestInit) => {
      const response = await globalThis.fetch(url, init)
      continuation.learn(response, url)
      return response
    },
  }
}

function watch(client: EventStreamClient, { url, endRule, transport }: Command, notices: Notices): void {
  let newest: Judgement = { type: 'more' }
  let attempts = 0
  let polling = transport === 'poll'
  let hasAsked = false
  client.addEventListener('*', ({ event }) => {
    notices.arrived()
    newest = judge(event.type, event.data, endRule)
  })
  client.addEventListener('gap', ({ gap }) => notices.tell(describeGap(gap)))
  client.addEventListener('open', () => notices.tell('connected'))
  client.addEventListener('statechange', (event) => {
    if (event.transport === 'poll' && !polling) {
      polling = true
      notices.tell('no stream gets through: reading pages of JSON instead')
    }
    if (event.state === 'connecting') {
      attempts += 1
      // Without the query: it may hold a token.
      const { origin, pathname } = new URL(url)
      notices.tell(attempts === 1 ? `connecting to ${origin}${pathname}` : 'connecting again')
    } else if (event.state === 'waiting' && newest.type === 'maybe' && event.drop?.reason === 'end' && !hasAsked) {
      // Once, and later after the usual wait: a server that ends each response so must not be asked without a pause.
      hasAsked = true
      notices.tell('the response ended: asking whether the stream has')
      queueMicrotask(() => client.open())
    } else if (event.state === 'waiting') {
      notices.tell(describeWait(event))
    }
  })
}
