// A server that can be killed: better-sse on a socket of its own. It serves numbered events, as many as its parent says.

import { createServer } from 'node:http'
import { createSession } from 'better-sse'

const [, , path] = process.argv
const state = { count: 0, isOver: false }
/** @type {Set<() => void>} */
const looks = new Set()

const server = createServer(async (request, response) => {
  if (state.isOver && request.headers['last-event-id'] === String(state.count)) {
    response.writeHead(204).end()
    return
  }
  const session = await createSession(request, response, { retry: 1, keepAlive: null })
  let at = Number(session.lastId)
  const look = () => {
    while (session.isConnected && at < state.count) {
      at += 1
      session.push({ n: at }, 'tick', String(at))
    }
    if (state.isOver) response.end()
  }
  session.once('disconnected', () => looks.delete(look))
  looks.add(look)
  look()
})

process.on('message', (message) => {
  Object.assign(state, message)
  for (const look of looks) look()
})
process.on('disconnect', () => process.exit())
server.listen(path, () => process.send?.('listening'))
