import type { Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { executeAndIterate, executeToArray, executeToSink } from './runs.js'
import { contender } from './workload.js'

const size = 10_000

/** What each way to take the events costs, without a budget. */
export const delivery: Group = {
  name: 'delivery',
  unit: 'CPU ns per task',
  measure: cpuPerUnit,
  cases: ['wide', 'chain'].map((shape) => ({
    name: `${shape}, ${size} tasks`,
    contenders: {
      'in batches': contender(shape, size, (tasks) => executeToArray(tasks), true),
      'one by one': contender(shape, size, (tasks) => executeAndIterate(tasks), true),
      'to a sink': contender(shape, size, (tasks) => executeToSink(tasks), true),
    },
  })),
  ratios: [
    { name: 'one by one ÷ in batches', dividend: 'one by one', divisor: 'in batches', budgets: [] },
    { name: 'to a sink ÷ in batches', dividend: 'to a sink', divisor: 'in batches', budgets: [] },
  ],
}
