export type { TextStore } from './accumulate.js'
export { accumulate } from './accumulate.js'
export { EventStreamClient } from './client.js'
export type { Clock } from './clock.js'
export type { EventStreamErrorCode, EventStreamFailure } from './event-stream-error.js'
export { EventStreamError } from './event-stream-error.js'
export type { Drop, StreamState, Transport } from './machine.js'
export type { EventStreamClientOptions, GapPolicy, ReaderContract, RetryOptions } from './options.js'
export type { Problem } from './problem.js'
export type { HeadersSource } from './request.js'
export type { StatusPolicy, StatusVerdict } from './status-policy.js'
export type {
  AnyMessageEvent,
  EndEvent,
  EventStreamEventMap,
  GapEvent,
  LifecycleEventMap,
  StateChangeEvent,
  StreamEvent,
  StreamMessageEvent,
} from './stream-event.js'
export type { StreamGap } from './stream-gap.js'
