import type { NewEntry } from '../event-log.js'
import type { Check } from './bench.js'
import { expectSame } from './expectation.js'
import { entryOf } from './writer.js'

/** Values whose JSON text something on the way may take for a sign, a boundary or an error. */
const values: readonly unknown[] = [
  '',
  ' leading and trailing ',
  'line\nfeed\r\ncarriage\rreturn',
  'NUL \u0000 and other controls \u0001\u001b\u007f\u0085',
  'separators \u2028\u2029',
  '\ufeffa byte order mark',
  'emoji 🙂 👩‍👩‍👧‍👦 and 流れ and e\u0301 and é',
  'halves \ud83d of \ude42 pairs',
  'noncharacters \uffff \ufffe',
  'quotes " \' ` \\ \\" and $1 %s ? :a @b {{c}} $(d)',
  '0',
  0,
  -0.1e-7,
  1e21,
  true,
  null,
  [],
  {},
  { a: { b: [1, { c: null }] }, ['__proto__']: 2, constructor: 3 },
]

/** JSON texts that are not as `JSON.stringify` would write them. */
const otherTexts = ['{\n  "a": 1,\r\n\t"b": [ ]\n}', ' 1', '1.0', '"\\u0061\\/"', '{"a":1,"a":2}']

/** Ids that are different, though some storage may think otherwise. */
const streamIds = [
  's',
  'S',
  ' s',
  's ',
  's:',
  's:s',
  's/s',
  '../s',
  's*',
  's%',
  's_',
  's?',
  '{s}',
  '[s]',
  's\u0000',
  's\u0000s',
  's\n',
  "s'; --",
  's"',
  'e\u0301',
  '\u00e9',
  'ß',
  'ss',
  '🙂',
  '流',
  '0',
  '00',
  '-1',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'x'.repeat(255),
  'x'.repeat(256),
  '流'.repeat(256),
]

/** Texts come back as they were. */
export const textChecks: Readonly<Record<string, Check>> = {
  'data and internals come back character by character': async (bench) => {
    const writer = await bench.open()
    const texts = [...values.map((value) => JSON.stringify(value)), ...otherTexts]
    const entries = texts.map((text) => entryOf(text, text))
    // Both ways, since a log may have another way for a single event.
    await writer.send(1, entries)
    for (const [index, one] of entries.entries()) await writer.send(index + 2, [one])
    const held = (await bench.entries()).map(partsOf)
    for (const [index, expected] of [...entries, ...entries].entries()) {
      expectSame(`Event ${index + 1}`, held[index], partsOf(expected))
    }
    expectSame('Events', held.length, entries.length * 2)
  },

  'the largest events come back': async (bench) => {
    const writer = await bench.open()
    const sizes = [65_535, 65_536, 65_537]
    const entries = sizes.map((size) => entryOf(`"${'x'.repeat(size - 2)}"`))
    const wide = entryOf(`"${'🙂'.repeat(16_383)}"`, `"${'流'.repeat(100_000)}"`)
    await writer.send(1, [...entries, wide])
    const held = (await bench.entries()).map(partsOf)
    for (const [index, expected] of [...entries, wide].entries()) {
      expectSame(`Event ${index + 1}`, held[index], partsOf(expected))
    }
  },

  'types come back as they were': async (bench) => {
    const writer = await bench.open()
    const types = [
      'tick',
      'Tick',
      'agent:chunk',
      ' a b ',
      'ünïcödé 🙂',
      '__proto__',
      'null',
      '0',
      '\u2028',
      'it\'s "\\',
    ]
    await writer.send(
      1,
      types.map((type) => entryOf('1', undefined, type)),
    )
    expectSame(
      'Types',
      (await bench.entries()).map(({ type }) => type),
      types,
    )
  },

  'an event has an internal only where it was given one': async (bench) => {
    const writer = await bench.open()
    const internals = [undefined, '""', 'null', '0', undefined, '{"owner":"x"}']
    await writer.send(
      1,
      internals.map((internal) => entryOf('1', internal)),
    )
    const held = (await bench.entries()).map(({ internal }) => (internal === undefined ? 'none' : internal))
    expectSame(
      'Internals',
      held,
      internals.map((internal) => internal ?? 'none'),
    )
  },

  'streams with similar ids are different streams': async (bench) => {
    const writers = new Map<string, Awaited<ReturnType<typeof bench.open>>>()
    for (const id of streamIds) writers.set(id, await bench.open(id))
    for (const [id, writer] of writers) await writer.append(JSON.stringify(id))
    for (const [id, writer] of writers) {
      await writer.append('"second"')
      await bench.holds([JSON.stringify(id), '"second"'], 1, id)
    }
    for (const [index, id] of streamIds.entries()) {
      if (index % 3 === 0) await bench.log.delete(id)
      else if (index % 3 === 1) await bench.log.trim(id, 2)
      else await writers.get(id)!.end('"end"')
    }
    for (const [index, id] of streamIds.entries()) {
      if (index % 3 === 0)
        expectSame(
          `Stream ${JSON.stringify(id)}`,
          await bench.log.read(id, 0, { maxEvents: 1, maxBytes: 1 }),
          undefined,
        )
      else if (index % 3 === 1) await bench.holds(['"second"'], 2, id)
      else await bench.holds([JSON.stringify(id), '"second"', '"end"'], 1, id)
    }
  },
}

function partsOf({ type, data, bytes, internal }: NewEntry): NewEntry {
  return { type, data, bytes, internal }
}
