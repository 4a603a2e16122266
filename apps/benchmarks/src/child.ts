import type { Limits } from './discipline.js'
import { disciplines } from './disciplines.js'

/** One measurement: what the process is told as its only argument. */
export interface Task {
  readonly discipline: string
  readonly group: string
  readonly case: string
  readonly contender: string
  readonly limits: Limits
}

// Ctrl-C reaches every process of the terminal; the parent is the one that ends this one.
process.on('SIGINT', () => {})

const task: Task = JSON.parse(process.argv[2] ?? '')
const group = disciplines[task.discipline]!.groups.find(({ name }) => name === task.group)!
const contender = group.cases.find(({ name }) => name === task.case)!.contenders[task.contender]!
const workload = await contender(1)
process.stdout.write(JSON.stringify(await group.measure(workload, task.limits)))
workload.close?.()
