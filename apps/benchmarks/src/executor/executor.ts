import type { Discipline } from '../discipline.js'
import { delivery } from './delivery.js'
import { growth } from './growth.js'
import { makespan } from './makespan.js'
import { scheduling } from './scheduling.js'

/** `@x/dag-executor` against a loop written by hand, timers chained by hand, and p-graph. */
export const executor: Discipline = {
  title: 'Executor',
  warmUpFactor: 6,
  groups: [scheduling, delivery, growth, makespan],
}
