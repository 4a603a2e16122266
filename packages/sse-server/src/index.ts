export { preferredType } from './accept.js'
export type { StreamTarget } from './answer.js'
export type { CloseReason, RefuseReason } from './counters.js'
export type {
  Append,
  Appended,
  EventLog,
  LogEntry,
  LogPage,
  MaybePromise,
  NewEntry,
  OpenedStream,
  ReadLimits,
} from './event-log.js'
export type { NodeRequest, NodeResponse, SseRequest } from './exchange.js'
export { headerOf } from './exchange.js'
export type { EventGenerator } from './generated-stream.js'
export type { GeneratorRoute } from './generator-route.js'
export type { JournalEvent, StreamJournal } from './journal.js'
export { journal } from './journal.js'
export type { MemoryEventLogOptions } from './memory-event-log.js'
export { MemoryEventLog } from './memory-event-log.js'
export type { Answers, NegotiateOptions } from './negotiate.js'
export { negotiate } from './negotiate.js'
export type { Middleware } from './node-middleware.js'
export type { Problem, ProblemItem } from './problem.js'
export { problemResponse, sendProblem } from './problem.js'
export type { CorsOptions } from './response-headers.js'
export type { SseServerErrorCode, SseServerErrorDetails } from './server-error.js'
export { SseServerError } from './server-error.js'
export type { ConnectionFacts, SseServerEventMap } from './server-events.js'
export { ConnectionCloseEvent, ConnectionOpenEvent, GapEvent, RefuseEvent, ServerErrorEvent } from './server-events.js'
export type { SseServerOptions } from './server-options.js'
export type { AnswerOptions, CloseOptions, MiddlewareOptions, OpenOptions, SseServerMetrics } from './sse-server.js'
export { SseServer } from './sse-server.js'
export type {
  PipeTextOptions,
  PublishData,
  PublishEvent,
  PublishOptions,
  StoredEvent,
  Stream,
} from './stream.js'
export type { TextChunk, TextSource } from './text-pipe.js'
