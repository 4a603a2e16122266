import type { Discipline } from '../discipline.js'
import { memory, socket } from './reading.js'

/** `EventStreamClient` of `@x/sse-client` against the eventsource package, both parsing the JSON. */
export const client: Discipline = {
  title: 'Client',
  warmUpFactor: 2,
  measurementFactor: 2,
  groups: [memory, socket],
}
