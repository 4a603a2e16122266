import type { Socket } from 'node:net'

type Listener = () => void

/** A set is for sockets on which requests are pipelined, in any number; nearly always there is one. */
const watched = new WeakMap<Socket, Listener | Set<Listener>>()

/**
 * Calls back when a socket closes, until the returned function is called. Pipelined requests share a socket, and here they share one
 * listener on it. A function is given once at a time.
 */
export function onSocketClose(socket: Socket, listener: Listener): () => void {
  const present = watched.get(socket)
  if (present === undefined) {
    watched.set(socket, listener)
    socket.on('close', tellAll)
  } else if (typeof present === 'function') watched.set(socket, new Set([present, listener]))
  else present.add(listener)
  return () => forget(socket, listener)
}

function forget(socket: Socket, listener: Listener): void {
  const present = watched.get(socket)
  if (typeof present === 'object') {
    present.delete(listener)
    if (present.size > 0) return
  } else if (present !== listener) return
  watched.delete(socket)
  socket.off('close', tellAll)
}

function tellAll(this: Socket): void {
  const present = watched.get(this)
  if (typeof present === 'function') present()
  else for (const listener of present ?? []) listener()
}
