import type { Socket } from 'node:net'

/** Requests that may wait on one socket for the answers to those before them. */
const maxWaiting = 16

const waiting = new WeakMap<Socket, number>()

/** Takes a place in the queue of a socket. False: there are too many already. */
export function enterQueue(socket: Socket): boolean {
  const count = waiting.get(socket) ?? 0
  if (count >= maxWaiting) return false
  waiting.set(socket, count + 1)
  return true
}

export function leaveQueue(socket: Socket): void {
  waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
}
