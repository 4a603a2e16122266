import { streamOf } from '../chunk-stream.js'
import type { Case, Contender, Group, Workload } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { Tally } from '../protocol/tally.js'
import { type Data, type StreamCorpus, type StreamCorpusName, streamCorpus, streamCorpusNames } from './corpus.js'
import { type Reader, readers, type Source } from './readers.js'
import { startStreamServer } from './stream-server.js'

type OpenSource = (corpus: StreamCorpus, name: StreamCorpusName, scale: number) => Promise<Source> | Source

const ours = 'EventStreamClient, listener'
const theirs = 'eventsource'

/** Without a socket, the figure is the cost of the client itself. */
export const memory = group('from memory', memorySource)

export const socket = group('from a socket', (_, name, scale) => startStreamServer(name, scale))

function group(name: string, open: OpenSource): Group {
  return {
    name,
    unit: 'CPU ns per event',
    measure: cpuPerUnit,
    cases: streamCorpusNames.flatMap((corpus) => [cases(corpus, false, open), cases(corpus, true, open)]),
    ratios: [
      {
        name: `${ours} ÷ ${theirs}`,
        dividend: ours,
        divisor: theirs,
        budgets: [{ of: 'each', must: 'be at most', gate: 0.6 }],
      },
      ...['EventStreamClient, for await', 'fetch + parser by hand'].map((dividend) => ({
        name: `${dividend} ÷ ${theirs}`,
        dividend,
        divisor: theirs,
        budgets: [],
      })),
    ],
  }
}

function cases(corpus: StreamCorpusName, hasContract: boolean, open: OpenSource): Case {
  return {
    name: hasContract ? `${corpus}, with a contract` : corpus,
    contenders: Object.fromEntries(
      Object.entries(readers(hasContract)).map(([name, read]) => [name, reading(read, corpus, open)]),
    ),
  }
}

export function memorySource({ chunks }: StreamCorpus): Source {
  return {
    url: 'http://127.0.0.1/stream',
    fetch: async () => new Response(streamOf(chunks), { headers: { 'Content-Type': 'text/event-stream' } }),
  }
}

/** Reads the whole stream in each pass. */
export function reading(read: Reader, name: StreamCorpusName, open: OpenSource): Contender {
  return async (scale): Promise<Workload> => {
    const corpus = streamCorpus(name, scale)
    const source = await open(corpus, name, scale)
    const expected = new Tally()
    for (const { type, data, id } of corpus.events) addTo(expected, type, JSON.parse(data), id)
    return {
      units: corpus.events.length,
      expected: expected.checksum,
      pass: async () => {
        const tally = new Tally()
        await read(source, (type, data, id) => addTo(tally, type, data, id))
        return tally.checksum
      },
      check: async () => {
        const texts: string[] = []
        await read(source, (...event) => texts.push(JSON.stringify(event)))
        const found = corpus.events.findIndex(
          ({ type, data, id }, index) => texts[index] !== JSON.stringify([type, JSON.parse(data), id]),
        )
        if (found !== -1) throw new Error(`Expected ${JSON.stringify(corpus.events[found])}, got ${texts[found]}`)
        const { length } = corpus.events
        if (texts.length !== length) throw new Error(`Expected ${length} events, got ${texts.length}`)
      },
      close: () => source.close?.(),
    }
  }
}

function addTo(tally: Tally, type: string, { text }: Data, id: string): void {
  tally.add(type, text, id)
}
