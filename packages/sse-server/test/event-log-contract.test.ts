import { describe, it } from 'vitest'
import { MemoryEventLog } from '../src/index.js'
import { eventLogContract, faultyLog } from '../src/testing/index.js'

describe('MemoryEventLog', () => {
  for (const { name, run } of eventLogContract({ create: () => new MemoryEventLog() })) it(name, run)
})

describe('a log that is slow, delivers twice, pages short, and wakes late, twice and for nothing', () => {
  const faults = {
    doubledWakes: 0.3,
    lateWakes: 0.5,
    spuriousWakes: 0.2,
    doubledAppends: 0.3,
    shortReads: 0.5,
    writeTurns: 3,
    readTurns: 3,
  }
  const create = () => faultyLog(new MemoryEventLog(), faults)
  for (const { name, run } of eventLogContract({ create, schedules: 10 })) it(name, run)
})
