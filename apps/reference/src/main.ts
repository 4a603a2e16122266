import pino from 'pino'
import { ConfigError, describeConfig, readConfig } from './config.js'
import { createReferenceServer } from './server.js'

/** Milliseconds that readers have to finish when the process is asked to end. */
const drain = 3_000

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  print(`Usage: npm start

Serves the scanner, the workflows and the page. Settings are environment variables:

${describeConfig()}`)
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
  const url = await server.listen()
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
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Faults of the person who starts the server get one line; faults of ours get their stack. */
function isExpected(error: unknown): error is Error {
  if (error instanceof ConfigError) return true
  if (!(error instanceof Error) || !('code' in error)) return false
  if (error.code === 'EADDRINUSE') {
    error.message = `PORT: ${error.message}; choose another one, for example PORT=3001 npm start`
  }
  return ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].includes(String(error.code))
}
