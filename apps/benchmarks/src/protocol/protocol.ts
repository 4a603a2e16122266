import type { Discipline } from '../discipline.js'
import { encoder } from './encoder.js'
import { linearity } from './linearity.js'
import { byteParser, textParser } from './parser.js'
import { streams } from './stream.js'

/** Parser and encoder of `@x/sse-protocol` against those of the eventsource family. */
export const protocol: Discipline = {
  title: 'Protocol',
  groups: [textParser, byteParser, streams, encoder, linearity],
}
