import { parseArgs } from 'node:util'
import { type EndRule, vocabularies } from './end-rule.js'
import { UsageError } from './usage-error.js'

/** What the words of a command line ask for. */
export interface Command {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  /** As it was given: the body itself, `@` and a file, or `@-`. */
  readonly data: string | undefined
  readonly lastEventId: string | undefined
  readonly transport: (typeof transports)[number] | undefined
  readonly retryBudget: number | undefined
  readonly onGap: (typeof gapPolicies)[number]
  readonly endRule: EndRule
  readonly json: boolean
  readonly full: boolean
}

const transports = ['auto', 'sse', 'poll'] as const
const gapPolicies = ['continue', 'fail'] as const
/** `token` of RFC 9110, section 5.6.2. */
const token = /^[\w!#$%&'*+.^`|~-]+$/

/** @throws UsageError for the first thing that cannot be meant. */
export function readCommand(words: readonly string[]): Command | 'help' | 'version' {
  const { values, positionals } = parse(words)
  if (values.help) return 'help'
  if (values.version) return 'version'
  const method = (values.method ?? (values.data === undefined ? 'GET' : 'POST')).toUpperCase()
  if (!token.test(method)) throw new UsageError('Expected --method to be the name of a method, such as POST')
  if (values.data !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new UsageError(`A request with the method ${method} has no body: --data needs another one`)
  }
  if (/[\0\r\n]/.test(values['last-event-id'] ?? ''))
    throw new UsageError('Expected --last-event-id to be a single line')
  return {
    url: readUrl(positionals),
    method,
    headers: readHeaders(values.header ?? []),
    data: values.data,
    lastEventId: values['last-event-id'],
    transport: readChoice('--transport', values.transport, transports),
    retryBudget: readBudget(values['retry-budget']),
    onGap: readChoice('--on-gap', values['on-gap'], gapPolicies) ?? 'continue',
    endRule: {
      vocabulary: readChoice('--events', values.events, vocabularies) ?? 'auto',
      terminal: new Set(values.terminal),
      failure: new Set(values.failure),
    },
    json: values.json ?? false,
    full: values.full ?? false,
  }
}

function parse(words: readonly string[]) {
  const text = { type: 'string' } as const
  const list = { type: 'string', multiple: true } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        header: { ...list, short: 'H' },
        method: { ...text, short: 'X' },
        data: { ...text, short: 'd' },
        'last-event-id': text,
        transport: text,
        'retry-budget': text,
        'on-gap': text,
        events: text,
        terminal: list,
        failure: list,
        json: flag,
        full: flag,
        help: { ...flag, short: 'h' },
        version: flag,
      },
    })
  } catch (error) {
    // What follows the first sentence is advice on how to name a file with a dash.
    throw new UsageError((error as Error).message.split(/\. |\n/)[0])
  }
}

function readUrl(positionals: readonly string[]): string {
  const [given, ...others] = positionals
  if (given === undefined) throw new UsageError('Expected the URL of an event stream')
  if (others.length > 0) throw new UsageError(`Expected one URL, got ${positionals.length} words`)
  // A word with an @ may hold a password.
  const got = given.includes('@') ? '' : `, got ${JSON.stringify(given)}`
  if (!URL.canParse(given)) throw new UsageError(`Expected a URL such as http://localhost:3000/stream${got}`)
  const url = new URL(given)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UsageError(`Expected a URL that begins with http:// or https://${got}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError("Expected a URL without user and password; send them as -H 'Authorization: …'")
  }
  return url.href
}

function readHeaders(lines: readonly string[]): Headers {
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim()
    if (!token.test(name)) throw new UsageError("Expected --header to be 'NAME: VALUE'")
    try {
      headers.append(name, line.slice(colon + 1).trim())
    } catch {
      throw new UsageError(`The value of the header ${name} has characters that no header can have`)
    }
  }
  return headers
}

function readBudget(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const budget = Number(given)
  if (!/^(\d+|Infinity)$/.test(given) || (budget !== Infinity && !Number.isSafeInteger(budget))) {
    throw new UsageError(
      `Expected --retry-budget to be a non-negative integer or Infinity, got ${JSON.stringify(given)}`,
    )
  }
  return budget
}

function readChoice<Choice extends string>(
  option: string,
  given: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  if (given === undefined) return undefined
  const choice = choices.find((choice) => choice === given)
  if (choice === undefined) {
    throw new UsageError(`Expected ${option} to be one of ${choices.join(', ')}, got ${JSON.stringify(given)}`)
  }
  return choice
}
