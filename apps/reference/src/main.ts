import pino from 'pino'
import { ConfigError, describeConfig, readConfig } from './config.js'
import { ScannerError } from './scanner/scanner-error.js'
import { createReferenceServer } from './server.js'

/** Milliseconds that readers have to finish when the process is asked to end. */
const drain = 3_000
const parentInterval = 500
/** As it was at the start: it may be gone by the time that anybody looks. */
const parent = process.ppid

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  print(`Usage: npm start

Serves the scanner, the workflows and the page. Settings are environment variables:

${describeConfig()}`)
} else if (process.argv.length > 2) {
  process.stderr.write(`Expected no arguments, got ${process.argv.slice(2).join(' ')}; see --help\n`)
  process.exitCode = 1
} else {
  try {
    await start()
  } catch (error) {
    if (!isExpected(error)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const logger = pino({ level: config.logLevel })
  const server = createReferenceServer({ config, logger })
  const url = await server.listen().catch((error: Error & { code?: string }) => {
    const advice = error.code === 'EADDRINUSE' ? '; choose another PORT' : ''
    throw new ConfigError(`HOST=${config.host} PORT=${config.port}: ${error.message}${advice}`)
  })
  print(`
  Page       ${url}/
  Tools      ${url}/api/v1/tools
  Health     ${url}/healthz   ${url}/readyz   ${url}/metrics
  Scans      below ${config.scanRoot}

  Try it:

  curl -N ${url}$(curl -s ${url}/api/v1/sessions -H 'Content-Type: application/json' -d '{"agent":"scanner","input":{"path":"."}}' | sed 's/.*"streamUrl":"\\([^"]*\\)".*/\\1/')

  Ctrl-C ends the server.
`)
  const end = () => {
    print('Ending …')
    // A second signal ends the process at once.
    process.off('SIGINT', end).off('SIGTERM', end)
    server.close(drain).catch((error: unknown) => {
      logger.error({ err: error }, 'the server did not end cleanly')
      process.exitCode = 1
    })
  }
  process.on('SIGINT', end).on('SIGTERM', end)
  if (process.env.npm_lifecycle_event !== undefined) onParentExit(end)
}

/** npm starts a shell that starts this process: a signal to npm ends those two and never gets here. */
function onParentExit(end: () => void): void {
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    end()
  }, parentInterval)
  watch.unref()
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Faults of the person who starts the server get one line; faults of ours get their stack. */
function isExpected(error: unknown): error is Error {
  return error instanceof ConfigError || ScannerError.isInstance(error)
}
