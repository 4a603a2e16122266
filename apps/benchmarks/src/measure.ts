import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Measure, Workload } from './discipline.js'

/** CPU time, user and system, of this process with all its threads: nanoseconds for each unit of the workload. */
export const cpuPerUnit: Measure = async (workload, limits) => {
  await workload.check()
  await repeat(workload, limits.warmUp)
  const { passes, microseconds } = await repeat(workload, limits.measurement)
  return (microseconds * 1_000) / passes / workload.units
}

/** Bytes of the heap that a pass leaves taken, for each unit of the workload. */
export const heapPerUnit: Measure = async (workload) => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const used = async (): Promise<number> => {
    // What a turn of the event loop gives up is gone after the next.
    for (let times = 0; times < 3; times += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    return process.memoryUsage().heapUsed
  }
  await workload.check()
  // Code and caches of the first pass are there once.
  await expected(workload)
  const before = await used()
  await expected(workload)
  return ((await used()) - before) / workload.units
}

/** What passes saw, one for each of so many milliseconds of the limit, after one that does not count. */
export function observation(milliseconds: number): Measure {
  return async (workload, { measurement }) => {
    const { observed } = workload
    if (observed === undefined) throw new Error('Expected a workload that observes')
    await workload.check()
    await expected(workload)
    observed()
    for (let passes = 0; passes < measurement / milliseconds; passes += 1) await expected(workload)
    return observed()
  }
}

async function expected(workload: Workload): Promise<void> {
  const checksum = await workload.pass()
  if (checksum !== workload.expected) throw new Error(`Expected the checksum ${workload.expected}, got ${checksum}`)
}

async function repeat(workload: Workload, milliseconds: number): Promise<{ passes: number; microseconds: number }> {
  const start = process.cpuUsage()
  let passes = 0
  let microseconds = 0
  while (microseconds < milliseconds * 1_000) {
    const result = workload.pass()
    // Work that is synchronous is not made to wait for a turn of the event loop.
    const checksum = typeof result === 'number' ? result : await result
    if (checksum !== workload.expected) throw new Error(`Expected the checksum ${workload.expected}, got ${checksum}`)
    passes += 1
    const { user, system } = process.cpuUsage(start)
    microseconds = user + system
  }
  return { passes, microseconds }
}
