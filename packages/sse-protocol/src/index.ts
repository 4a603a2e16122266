export type {
  AgentChunk,
  AgentComplete,
  AgentError,
  AgentEventMap,
  AgentStatus,
  SessionEventMap,
} from './agent-events.js'
export { agentEvents } from './agent-events.js'
export type {
  EventContract,
  EventContractDefinition,
  EventOf,
  EventTypeDefinition,
  FailureReason,
} from './contract.js'
export { defineEvents } from './contract.js'
export type { ControlEventMap, Gap, Heartbeat } from './control-events.js'
export { isReservedType } from './control-events.js'
export type { EventFrame } from './encoder.js'
export { encodeBytes, encodeComment, encodeEvent, encodeGap, encodeHeartbeat, encodeRetry } from './encoder.js'
export type { EventId } from './event-id.js'
export { compareEventIds, formatEventId, parseEventId } from './event-id.js'
export type { EventPage } from './event-page.js'
export type { EventStreamOptions } from './event-stream.js'
export { EventStream, EventStreamParserStream, fromReadableStream } from './event-stream.js'
export type {
  ExecutionComplete,
  ExecutionError,
  ExecutionEventMap,
  ExecutionStart,
  SSEEvent,
  TaskComplete,
  TaskOutput,
  TaskProgress,
  TaskRetry,
  TaskStart,
  TruncatedValue,
} from './execution-events.js'
export { executionEvents } from './execution-events.js'
export type { IncompleteTail, ParsedEvent } from './parsed-event.js'
export { EventStreamParser } from './parser.js'
export type { EventStreamParserOptions, LimitError } from './parser-options.js'
export type { DataIssue, ProtocolErrorCode, ProtocolErrorDetails } from './protocol-error.js'
export { ProtocolError } from './protocol-error.js'
export { serialize } from './serialize.js'
export type { StandardSchemaV1 } from './standard-schema.js'
