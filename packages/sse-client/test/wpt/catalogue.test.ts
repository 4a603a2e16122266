import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The tests of the folder that are about what no library can have, or about something else. */
const excluded: Record<string, string> = {
  'eventsource-from-readable-stream.any.js': 'not a connection: that is fromReadableStream() of @x/sse-protocol',
  'eventsource-from-readable-stream-fetch.window.js':
    'not a connection: that is fromReadableStream() of @x/sse-protocol',
  'eventsource-onmessage-trusted.any.js': 'an event that a script dispatches is never trusted',
}

const rows = readFileSync(new URL('README.md', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, file, where] = /^\| `([^`]+)` \| (\w+) \|/.exec(line) ?? []
    return file === undefined ? [] : [{ file, where }]
  })

const sources = ['./', '../browser/'].flatMap((folder) =>
  readdirSync(new URL(folder, import.meta.url))
    .filter((name) => name.endsWith('.test.ts') && name !== 'catalogue.test.ts')
    .map((name) => readFileSync(new URL(folder + name, import.meta.url), 'utf8')),
)

describe('the web platform tests of EventSource', () => {
  for (const [file, why] of Object.entries(excluded)) it.skip(`eventsource/${file}: ${why}`, () => {})

  it('every file of the README is tested or excluded', () => {
    const files = rows.map(({ file }) => file)
    const untested = files.filter((file) => !sources.some((source) => source.includes(basename(file))))
    expect(new Set(untested)).toEqual(new Set(Object.keys(excluded)))
    expect(rows.filter(({ where }) => where === 'excluded').map(({ file }) => file)).toEqual(untested)
    expect(new Set(files).size).toBe(files.length)
  })

  it('every file that a test names is in the README', () => {
    const names = sources.flatMap((source) => source.match(/[\w-]+(?:\.any|\.window|\.worker)*\.(?:js|htm)\b/g) ?? [])
    const files = new Set(rows.map(({ file }) => basename(file)))
    const tests = names.filter((name) => /^(event-data|eventsource|format|request)\b/.test(name))
    expect(tests.filter((name) => !files.has(name))).toEqual([])
    expect(new Set(tests).size).toBeGreaterThan(50)
  })
})
