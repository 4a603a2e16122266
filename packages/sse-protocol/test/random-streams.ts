import fc from 'fast-check'

// Random streams that look like event streams often enough to reach every branch, and are wrong in every way the grammar can be.

const names = ['data', 'event', 'id', 'retry']
const nearNames = [
  'dat',
  'dataa',
  'da',
  'even',
  'events',
  'i',
  'idd',
  'ids',
  'ret',
  'retryy',
  'r',
  'Data',
  'ID',
  ' data',
  'data ',
  'dat\0a',
]
const separators = ['', ':', ': ', ':  ', '::', ': :', ':\t', ' :', ':\ufeff']
const newlines = ['\n', '\r', '\r\n']
const blankLines = ['\n\n', '\r\r', '\r\n\r\n', '\n\r', '\r\n\n', '\r\n\r', '\n\r\n', '\r\n\n\r']
const atoms = [
  ...[
    'a',
    'b',
    'tick',
    'error',
    'open',
    'message',
    'event',
    'data',
    'id',
    'retry',
    ' ',
    '  ',
    '\t',
    ':',
    ': ',
    '{"n":1}',
    '-',
    '+',
  ],
  ...['0', '1', '42', '007', '1500', '4294967296', '9007199254740993', '٣', '１', '1e3', '0x10'],
  ...['\0', '\v', '\f', '\x1b', '\x7f', '\u0085', '\u2028', '\u2029', '\ufeff', '\ufffd', '\ufffe', '\uffff'],
  // Characters whose UTF-16 low byte, or one of whose bytes, looks like LF, CR, a colon or a space.
  ...['é', 'ÿ', 'ߊ', 'Ċ', 'č', 'ĺ', '€', 'ਊ', '഍', '㨺', '†', '日', '\ud7ff', '\ue000', '😀', '𝄞', '𐀀', '\u{10ffff}'],
]
const halves = ['\ud800', '\udbff', '\udc00', '\udfff', '\ud83d', '\ude00', '\ude00\ud83d']
const fragments = [
  ...[
    [0x80],
    [0xbf],
    [0xc3],
    [0xe2],
    [0xe2, 0x82],
    [0xf0],
    [0xf0, 0x9f],
    [0xf0, 0x9f, 0x98],
    [0xef],
    [0xef, 0xbb],
    [0xbb, 0xbf],
  ],
  ...[
    [0xff],
    [0xfe],
    [0xc0],
    [0xc1, 0xbf],
    [0xc0, 0x8a],
    [0xc0, 0xba],
    [0xc0, 0xaf],
    [0xe0, 0x80, 0x8a],
    [0xe0, 0x9f, 0xbf],
  ],
  ...[
    [0xed, 0xa0, 0x80],
    [0xed, 0xbf, 0xbf],
    [0xed, 0x9f, 0xbf],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf0, 0x8f, 0xbf, 0xbf],
  ],
  ...[
    [0xf4, 0x8f, 0xbf, 0xbf],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
  ],
].map((bytes) => Uint8Array.from(bytes))

const run = fc
  .tuple(fc.constantFrom('x', '0', '\0', ' ', 'é', '€', '😀'), fc.integer({ min: 1, max: 200 }))
  .map(([character, times]) => character.repeat(times))

const encoder = new TextEncoder()

/** A piece of a stream: text, or bytes that no text encodes to. */
type Piece = string | Uint8Array

function pieces<T extends Piece>(strange: readonly T[]): fc.Arbitrary<(string | T)[]> {
  const atom: fc.Arbitrary<string | T> = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...atoms) },
    { weight: 2, arbitrary: fc.constantFrom(...strange) },
    { weight: 1, arbitrary: run },
  )
  const value = fc.array(atom, { maxLength: 3, size: 'max' })
  const newline = fc.constantFrom(...newlines)
  const blankLine = fc.constantFrom(...blankLines)
  const field = fc
    .tuple(fc.constantFrom('data', ...names), fc.constantFrom(':', ': '), value, newline)
    .map(([name, separator, text, end]): (string | T)[] => [name, separator, ...text, end])
  const block = fc
    .tuple(fc.array(field, { minLength: 1, maxLength: 4, size: 'max' }), newline)
    .map(([fields, end]) => [...fields.flat(), end])
  const oddField = fc
    .tuple(
      fc.constantFrom(...names, ...nearNames),
      fc.constantFrom(...separators),
      value,
      fc.constantFrom(...newlines, ...blankLines),
    )
    .map(([name, separator, text, end]): (string | T)[] => [name, separator, ...text, end])
  const comment = fc.tuple(value, newline).map(([text, end]): (string | T)[] => [':', ...text, end])
  const debris = fc
    .oneof(atom, fc.constantFrom<string | T>(...names, ...nearNames, ...separators, ...newlines, ...blankLines))
    .map((piece) => [piece])
  const part = fc.oneof(
    { weight: 4, arbitrary: block },
    { weight: 2, arbitrary: field },
    { weight: 3, arbitrary: oddField },
    { weight: 1, arbitrary: comment },
    { weight: 1, arbitrary: blankLine.map((end) => [end]) },
    { weight: 2, arbitrary: debris },
  )
  return fc
    .tuple(
      fc.constantFrom('', '', '', '', '\ufeff', '\ufeff', '\ufeff\ufeff'),
      fc.array(part, { maxLength: 12, size: 'max' }),
    )
    .map(([mark, parts]) => [mark, ...parts.flat()])
}

/** Streams of bytes, valid UTF-8 or not. */
export const byteStreams: fc.Arbitrary<Uint8Array> = pieces<Piece>(fragments).map((parts) =>
  // A copy: slices of a Buffer would be views, and the laws want chunks in memory of their own.
  Uint8Array.from(Buffer.concat(parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part)))),
)

/** Streams of text, which may hold halves of surrogate pairs. */
export const textStreams: fc.Arbitrary<string> = pieces<string>(halves).map((parts) => parts.join(''))

/** Streams of text that survive being encoded. */
export const wellFormedStreams: fc.Arbitrary<string> = pieces<string>(atoms).map((parts) => parts.join(''))

/** What an event may be made of, and what an encoder must refuse. */
export const values: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...atoms, ...newlines) },
      { weight: 1, arbitrary: run },
      { weight: 1, arbitrary: fc.constantFrom(...halves) },
    ),
    { maxLength: 4, size: 'max' },
  )
  .map((parts) => parts.join(''))

/** Where a stream is cut: the lengths of its chunks, over and over. None is the whole stream in one chunk. */
export const chunkings: fc.Arbitrary<readonly number[]> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<readonly number[]>([1], [2], [3], [1, 0], [1, 7]) },
  { weight: 4, arbitrary: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6, size: 'max' }) },
)

/** The chunks of a stream; chunks of bytes are copies, each in memory of its own. */
export function cut<T extends string | Uint8Array>(stream: T, lengths: readonly number[]): T[] {
  if (!lengths.some((length) => length > 0)) return [stream.slice(0) as T]
  const chunks: T[] = []
  for (let start = 0, turn = 0; start < stream.length; turn += 1) {
    const end = start + lengths[turn % lengths.length]!
    chunks.push(stream.slice(start, end) as T)
    start = end
  }
  return chunks
}
