import { statSync } from 'node:fs'
import { resolve } from 'node:path'

/** What the server can be told by its environment. Durations are milliseconds. */
export interface Config {
  readonly port: number
  readonly host: string
  readonly scanRoot: string
  readonly maxConnections: number
  readonly heartbeatInterval: number
  readonly streamTimeout: number
  readonly replayMaxEvents: number
  readonly maxPayloadBytes: number
  readonly maxTasks: number
  readonly maxRuns: number
  readonly maxBodyBytes: number
  readonly logLevel: string
}

/** A setting has a value that cannot be used. The message is one line that says which, and what is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

interface Setting<Value> {
  readonly variable: string
  readonly fallback: Value
  readonly meaning: string
  read(text: string): Value
}

const day = 24 * 60 * 60_000
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

const settings: { readonly [Name in keyof Config]: Setting<Config[Name]> } = {
  port: integer('PORT', 3_000, 'port to listen on; 0 takes a free one', 0, 65_535),
  host: text('HOST', '127.0.0.1', 'address to listen on; 0.0.0.0 serves the whole network'),
  scanRoot: {
    variable: 'SCAN_ROOT',
    fallback: process.cwd(),
    meaning: 'folder below which the scanner may read',
    read: folder,
  },
  maxConnections: integer('MAX_CONNECTIONS', 100, 'open event streams at a time', 1, 1_000_000),
  heartbeatInterval: integer(
    'HEARTBEAT_INTERVAL',
    15_000,
    'ms between heartbeats; 0 sends only the opening one',
    0,
    day,
  ),
  streamTimeout: integer('STREAM_TIMEOUT', 30 * 60_000, 'ms a run may take; 0 for no limit', 0, 30 * day),
  replayMaxEvents: integer('REPLAY_MAX_EVENTS', 10_000, 'events kept for replay, per stream', 1, 10_000_000),
  maxPayloadBytes: integer('MAX_PAYLOAD_BYTES', 65_536, "bytes of one event's data", 1_024, 64 * 2 ** 20),
  maxTasks: integer('MAX_TASKS', 1_000, 'tasks in one workflow', 1, 1_000_000),
  maxRuns: integer('MAX_RUNS', 100, 'scans and workflows at work at a time', 1, 1_000_000),
  maxBodyBytes: integer('MAX_BODY_BYTES', 2 ** 20, 'bytes of a request body', 1, 2 ** 30),
  logLevel: text('LOG_LEVEL', 'warn', `one of ${logLevels.join(', ')}`, logLevels),
}

/**
 * Reads the settings from environment variables; an empty value counts as none.
 *
 * @throws ConfigError for the first value that cannot be used.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const entries = Object.entries(settings).map(([name, setting]: [string, Setting<unknown>]) => {
    const given = environment[setting.variable]
    return [name, given ? setting.read(given) : setting.fallback]
  })
  return Object.fromEntries(entries) as Config
}

/** The settings as lines of text, for `--help`. */
export function describeConfig(): string {
  return Object.values(settings)
    .map(({ variable, fallback, meaning }) => `  ${variable.padEnd(20)} ${meaning} (default ${fallback})`)
    .join('\n')
}

function integer(
  variable: string,
  fallback: number,
  meaning: string,
  minimum: number,
  maximum: number,
): Setting<number> {
  return {
    variable,
    fallback,
    meaning,
    read(given) {
      const value = Number(given)
      if (!/^\d+$/.test(given) || value < minimum || value > maximum) {
        throw new ConfigError(
          `${variable}: expected an integer from ${minimum} to ${maximum} (${meaning}), got ${JSON.stringify(given)}`,
        )
      }
      return value
    },
  }
}

function text(variable: string, fallback: string, meaning: string, choices?: readonly string[]): Setting<string> {
  return {
    variable,
    fallback,
    meaning,
    read(given) {
      if (choices && !choices.includes(given)) {
        throw new ConfigError(`${variable}: expected ${meaning}, got ${JSON.stringify(given)}`)
      }
      return given
    },
  }
}

function folder(given: string): string {
  const path = resolve(given)
  try {
    if (statSync(path).isDirectory()) return path
  } catch {
    // Whatever stands in the way, it is no folder that could be scanned.
  }
  throw new ConfigError(`SCAN_ROOT: expected a folder, got ${JSON.stringify(given)}`)
}
