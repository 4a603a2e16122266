import type { Discipline } from '../discipline.js'
import { bursts, fanOut, manyStreams, others } from './fan-out.js'
import { endedStreams, logLength } from './flatness.js'
import { heap, heartbeat } from './idle.js'
import { latency } from './latency.js'
import { replayStorm } from './storm.js'

/** `@x/sse-server` against loops on node:http that are written by hand, and others of its kind. */
export const server: Discipline = {
  title: 'Server',
  warmUpFactor: 8,
  measurementFactor: 4,
  groups: [fanOut, bursts, manyStreams, others, heap, heartbeat, replayStorm, latency, logLength, endedStreams],
}
