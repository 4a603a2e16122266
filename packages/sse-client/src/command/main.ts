#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { readCommand } from './command.js'
import { exitCodes } from './exit-codes.js'
import { follow, type Interruption } from './follow.js'
import { help } from './help.js'
import { readBody } from './request-body.js'
import { escapeControls } from './terminal-text.js'
import { UsageError } from './usage-error.js'

const { stdin, stdout, stderr } = process
const controller = new AbortController()
const interrupt = (reason: Interruption): void => controller.abort(reason)

// If this process should ever end before the stream, that must not look like success.
process.exitCode = exitCodes.unread
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') interrupt({ exitCode: exitCodes.brokenPipe })
  else interrupt({ exitCode: exitCodes.unread, message: `The output cannot be written: ${error.message}` })
})
stderr.on('error', () => {})

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  stderr.write(`sse-client: ${escapeControls(error.message)}; see --help\n`)
  process.exitCode = exitCodes.usage
}

async function run(words: readonly string[]): Promise<number> {
  const command = readCommand(words)
  if (command === 'help' || command === 'version') {
    stdout.write(command === 'help' ? help : `${version()}\n`)
    return exitCodes.complete
  }
  const body = command.data === undefined ? undefined : await readBody(command.data, stdin)
  // Once: a second Ctrl-C ends the process as it would any other.
  process.once('SIGINT', () => interrupt({ exitCode: exitCodes.interrupted, message: 'interrupted' }))
  process.once('SIGTERM', () => interrupt({ exitCode: exitCodes.terminated, message: 'terminated' }))
  const { signal } = controller
  const exitCode = await follow({ command, body, stdout, stderr, environment: process.env, signal })
  process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM')
  // A reader that takes no more output must not keep a process that was told to end.
  if (signal.aborted) stderr.write('', () => process.exit(exitCode))
  return exitCode
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
