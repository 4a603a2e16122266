import { onTestFinished } from 'vitest'

/** The reasons of promises that nobody handles, from now to the end of the test; each comes a turn after its promise. */
export function unhandledRejections(): unknown[] {
  const found: unknown[] = []
  const listener = (reason: unknown) => void found.push(reason)
  process.on('unhandledRejection', listener)
  onTestFinished(() => void process.off('unhandledRejection', listener))
  return found
}

/** The names of the warnings of this process, from now to the end of the test; each comes a turn after its cause. */
export function warnings(): string[] {
  const found: string[] = []
  const listener = ({ name }: Error) => void found.push(name)
  process.on('warning', listener)
  onTestFinished(() => void process.off('warning', listener))
  return found
}
