// The clients of the replay storm, in a process of their own so that the server's memory can be measured alone. Arguments: port or path,
// epoch, readers, cursors, `hold` or nothing. Prints one line for each reader: its cursor, and the length and SHA-1 of what followed the
// opening. With `hold` they take nothing until the standard input says something.

import { createHash } from 'node:crypto'
import { connect } from 'node:net'

const [place, epoch, readers, cursors, mode] = process.argv.slice(2)

/** @type {import('node:net').Socket[]} */
const held = []

/** @param {number} cursor */
function read(cursor) {
  return new Promise((resolve) => {
    const hash = createHash('sha1')
    let length = 0
    /** @type {Buffer | undefined} */
    let head = Buffer.alloc(0)
    const socket = connect(place.startsWith('/') ? { path: place } : { port: Number(place), host: '127.0.0.1' })
    if (mode === 'hold') held.push(socket.pause())
    // HTTP/1.0, so that no chunks have to be taken apart.
    socket.write(`GET /s HTTP/1.0\r\nLast-Event-ID: ${epoch}-${cursor}\r\n\r\n`)
    socket.on('data', (bytes) => {
      let body = bytes
      if (head !== undefined) {
        head = Buffer.concat([head, bytes])
        const start = openingEnd(head)
        if (start === undefined) return
        body = head.subarray(start)
        head = undefined
      }
      length += body.length
      hash.update(body)
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(`${cursor} ${length} ${hash.digest('hex')}`))
  })
}

/** @param {Buffer} head */
function openingEnd(head) {
  let index = head.indexOf('\r\n\r\n')
  // The retry field and the heartbeat.
  for (let block = 0; block < 2 && index !== -1; block++) index = head.indexOf('\n\n', index + 4)
  return index === -1 ? undefined : index + 2
}

if (mode === 'hold') {
  process.stdin.once('data', () => {
    for (const socket of held) socket.resume()
    process.stdin.destroy()
  })
}
const results = await Promise.all(Array.from({ length: Number(readers) }, (_, n) => read(n % Number(cursors))))
console.log(results.join('\n'))
