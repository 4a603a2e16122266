import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { StreamCorpusName } from './corpus.js'
import type { Source } from './readers.js'

/** Tests run from the source, but no process can. */
const folder = import.meta.url.endsWith('.ts') ? '../../dist/' : './'
const program = fileURLToPath(new URL(`${folder}stream-server-process.js`, import.meta.url))

/** A server of one stream, in a process of its own, so that what it does is not in the figures of a client. */
export async function startStreamServer(name: StreamCorpusName, scale: number): Promise<Source> {
  const server = fork(program, [name, String(scale)], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const port = await new Promise((resolve, reject) => {
    server.once('message', resolve)
    server.once('error', reject)
    server.once('exit', () => reject(new Error('The process of the server ended')))
  })
  return { url: `http://127.0.0.1:${port}/stream`, fetch: globalThis.fetch, close: () => void server.kill('SIGKILL') }
}
