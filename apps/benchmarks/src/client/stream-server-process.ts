import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { listen } from '../server/host.js'
import { type StreamCorpusName, streamCorpus } from './corpus.js'

// Its parent may be ended by a signal that no handler sees.
process.once('disconnect', () => process.exit())

const [name, scale] = process.argv.slice(2)
const { chunks } = streamCorpus(name as StreamCorpusName, Number(scale))
const { port } = await listen((_, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  // A reader closes at the terminal event, before the end of the body.
  pipeline(Readable.from(chunks), response).catch(() => {})
})
process.send?.(port)
