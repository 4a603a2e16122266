export type { EventLogCase, EventLogContractOptions } from './event-log-contract.js'
export { eventLogContract } from './event-log-contract.js'
export type { FaultyLog, LogFaults } from './faulty-log.js'
export { faultyLog } from './faulty-log.js'
