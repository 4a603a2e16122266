import type { Writable } from 'node:stream'
import { startTimer, type Timer } from './timer.js'

/** How much is given to the host at a time, so that it can be seen whether the client takes it. */
const pieceBytes = 65_536

/**
 * Sends a whole body as the client takes it. One that takes no piece within `writeTimeout` milliseconds is given up by `cut`; one that is slow, but goes
 * on, is not. Returns what stops the watch.
 */
export function sendPaced(response: Writable, body: Buffer, writeTimeout: number, cut: () => void): () => void {
  let sent = 0
  let deadline: Timer | undefined
  const watch = (): void => {
    deadline?.stop()
    deadline = startTimer(writeTimeout, cut)
  }
  const step = (): void => {
    watch()
    while (sent < body.length) {
      const piece = body.subarray(sent, sent + pieceBytes)
      sent += piece.length
      if (response.write(piece) === false) return
    }
    response.off('drain', step)
    response.end()
  }
  response.on('drain', step)
  step()
  return () => deadline?.stop()
}
