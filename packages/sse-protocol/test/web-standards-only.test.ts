import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

const file = fileURLToPath(new URL('../dist/index.js', import.meta.url))

/** What a page, a worker and an edge runtime have, as far as this package may count on it. */
const globals = ['TextDecoder', 'TextEncoder', 'ReadableStream', 'WritableStream', 'TransformStream']

/** Runs in a global scope that has the language and `globals`, nothing of Node. */
const program = `
  const parser = new protocol.EventStreamParser()
  const frame = protocol.encodeEvent({ type: 'tick', id: 'k-1', data: '€\\n😀' }) + protocol.encodeRetry(5) + protocol.encodeComment('hi')
  const bytes = new TextEncoder().encode(frame)
  const events = [...bytes].flatMap((byte) => parser.push(Uint8Array.of(byte)))
  const stream = () => new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
  const iterated = []
  for await (const event of protocol.fromReadableStream(stream())) iterated.push(event)
  const piped = []
  const reader = stream().pipeThrough(new protocol.EventStreamParserStream()).getReader()
  for (let result = await reader.read(); !result.done; result = await reader.read()) piped.push(result.value)
  const encoded = [...protocol.encodeBytes(frame)]
  export const result = JSON.stringify({
    events, iterated, piped,
    isEncoded: encoded.join() === bytes.join(),
    retry: parser.reconnectionTime,
    tail: (parser.push(new Uint8Array([0xe2])), parser.flush()),
    hasNode: ['process', 'Buffer', 'require', 'global', 'setImmediate'].filter((name) => name in globalThis),
  })
`

const host = `
  import { readFileSync } from 'node:fs'
  import { createContext, SourceTextModule } from 'node:vm'
  const [file, globals, program] = JSON.parse(process.argv[1])
  const context = createContext(Object.fromEntries(globals.map((name) => [name, globalThis[name]])))
  const load = async (source, imports) => {
    const module = new SourceTextModule(source, { context })
    await module.link((specifier) => imports[specifier] ?? Promise.reject(new Error('It imports ' + specifier)))
    await module.evaluate()
    return module
  }
  const protocol = await load(readFileSync(file, 'utf8'), {})
  const main = await load('import * as protocol from "protocol"\\n' + program, { protocol })
  console.log(main.namespace.result)
`

it('the built file runs where only Web standards are', async () => {
  const { stdout } = await run(process.execPath, [
    '--experimental-vm-modules',
    '--no-warnings',
    '--input-type=module',
    '--eval',
    host,
    JSON.stringify([file, globals, program]),
  ])
  const event = { type: 'tick', data: '€\n😀', id: 'k-1', lastEventId: 'k-1' }
  expect(JSON.parse(stdout)).toEqual({
    events: [event],
    iterated: [event],
    piped: [event],
    isEncoded: true,
    retry: 5,
    tail: { offset: expect.any(Number), length: 1 },
    hasNode: [],
  })
})
