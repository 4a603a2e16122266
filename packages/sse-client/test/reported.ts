import { onTestFinished } from 'vitest'

/** What the platform reports instead of throwing it, until the test is over. */
export function catchReported(): unknown[] {
  const reported: unknown[] = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => reported.push(error))
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  })
  return reported
}
