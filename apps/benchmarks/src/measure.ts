import type { Measure, Workload } from './discipline.js'

/** CPU time, user and system, of this process with all its threads: nanoseconds for each unit of the workload. */
export const cpuPerUnit: Measure = async (workload, limits) => {
  await workload.check()
  await repeat(workload, limits.warmUp)
  const { passes, microseconds } = await repeat(workload, limits.measurement)
  return (microseconds * 1_000) / passes / workload.units
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
