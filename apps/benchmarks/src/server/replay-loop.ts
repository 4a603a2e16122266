import type { ServerResponse } from 'node:http'
import type { StartBroadcaster } from './broadcaster.js'
import type { Tick } from './event.js'
import type { Framing } from './framing.js'
import { listen } from './host.js'
import { beginStream, frameOf } from './loop.js'

/** Bytes of one write. */
const maxBytes = 65_536

/**
 * Sends what was published before, written by hand: encoded once for all, in pieces of whole events, and never more than a response has room
 * for. Nothing is sent live.
 */
export function replayLoop(framing: () => Promise<Framing>): StartBroadcaster {
  return async () => {
    const chosen = await framing()
    const frames: Buffer[] = []
    let pieces: Buffer[] | undefined
    let readers = 0
    const send = (response: ServerResponse): void => {
      pieces ??= join(frames)
      const all = pieces
      let next = 0
      const step = (): void => {
        while (next < all.length) {
          next += 1
          if (!response.write(all[next - 1])) return
        }
        response.off('drain', step)
      }
      response.on('drain', step)
      step()
    }
    const host = await listen((_, response) => {
      beginStream(response, chosen)
      readers += 1
      response.once('close', () => {
        readers -= 1
      })
      send(response)
    })
    return {
      ...host,
      get readers() {
        return readers
      },
      publish: (_: string, data: Tick) => {
        frames.push(frameOf(frames.length + 1, data))
        pieces = undefined
      },
    }
  }
}

/** As few pieces as hold no more than they may. */
function join(frames: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[][] = [[]]
  let bytes = 0
  for (const frame of frames) {
    if (bytes + frame.length > maxBytes && bytes > 0) {
      pieces.push([])
      bytes = 0
    }
    pieces.at(-1)!.push(frame)
    bytes += frame.length
  }
  return pieces.map((piece) => Buffer.concat(piece))
}
