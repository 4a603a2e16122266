import type { ServerCore } from './server-core.js'
import { startTimer } from './timer.js'

/** Ends every answer under way in good order, and those that are left after `drain` milliseconds at once. */
export async function shutDown(core: ServerCore, drain: number): Promise<void> {
  for (const live of [...core.live]) live.drain()
  if (core.live.size === 0) return
  await new Promise<void>((resolve) => {
    const destroyAll = (): void => {
      for (const live of [...core.live]) live.destroy()
    }
    const timer = startTimer(drain, destroyAll)
    core.onIdle = () => {
      timer.stop()
      core.onIdle = undefined
      resolve()
    }
  })
}
