import type { Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { shapes } from './graphs.js'
import { execute, executeToArray, executeToText, loop, loopAndText, pGraph } from './runs.js'
import { contender } from './workload.js'

const sizes = [1_000, 10_000, 100_000]

export const scheduling: Group = {
  name: 'scheduling',
  unit: 'CPU ns per task',
  measure: cpuPerUnit,
  cases: sizes.flatMap((size) =>
    Object.keys(shapes).map((shape) => ({
      name: `${shape}, ${size} tasks`,
      contenders: {
        loop: contender(shape, size, (tasks) => loop(tasks)),
        execute: contender(shape, size, (tasks) => execute(tasks)),
        'events to an array': contender(shape, size, (tasks) => executeToArray(tasks), true),
        'loop and JSON': contender(shape, size, (tasks, events) => loopAndText(tasks, events), true),
        'events to SSE text': contender(shape, size, (tasks) => executeToText(tasks), true),
        'p-graph': contender(shape, size, (tasks) => pGraph(tasks)),
      },
    })),
  ),
  ratios: [
    {
      name: 'execute ÷ loop',
      dividend: 'execute',
      divisor: 'loop',
      budgets: [{ of: 'median', must: 'be at most', gate: 1.3 }],
    },
    {
      name: 'events to an array ÷ loop',
      dividend: 'events to an array',
      divisor: 'loop',
      budgets: [{ of: 'median', must: 'be at most', gate: 2 }],
    },
    {
      name: 'events to SSE text ÷ loop and JSON',
      dividend: 'events to SSE text',
      divisor: 'loop and JSON',
      budgets: [{ of: 'median', must: 'be at most', gate: 1.5 }],
    },
    {
      name: 'p-graph ÷ execute',
      dividend: 'p-graph',
      divisor: 'execute',
      budgets: [{ of: 'each', must: 'be at least', gate: 1 }],
    },
  ],
}
