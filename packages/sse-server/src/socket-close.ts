import type { Socket } from 'node:net'

const watched = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls back when a socket closes, until the returned function is called. Pipelined requests share a socket, in any number, and here they
 * share one listener on it.
 */
export function onSocketClose(socket: Socket, listener: () => void): () => void {
  const listeners = watched.get(socket) ?? watch(socket)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || watched.get(socket) !== listeners) return
    watched.delete(socket)
    socket.off('close', tellAll)
  }
}

function watch(socket: Socket): Set<() => void> {
  const listeners = new Set<() => void>()
  watched.set(socket, listeners)
  socket.on('close', tellAll)
  return listeners
}

function tellAll(this: Socket): void {
  for (const listener of watched.get(this) ?? []) listener()
}
