import type { Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { shapes } from './graphs.js'
import { execute } from './runs.js'
import { contender } from './workload.js'

export const growth: Group = {
  name: 'growth',
  unit: 'CPU ns per task',
  measure: cpuPerUnit,
  cases: Object.keys(shapes).map((shape) => ({
    name: shape,
    contenders: {
      '10,000 tasks': contender(shape, 10_000, (tasks) => execute(tasks)),
      '100,000 tasks': contender(shape, 100_000, (tasks) => execute(tasks)),
    },
  })),
  ratios: [
    {
      name: '100,000 ÷ 10,000',
      dividend: '100,000 tasks',
      divisor: '10,000 tasks',
      budgets: [{ of: 'each', must: 'be at most', gate: 1.5 }],
    },
  ],
}
