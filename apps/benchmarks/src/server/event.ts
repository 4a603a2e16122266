/** The data of every event that is measured: about as much as one piece of a model's text. */
export interface Tick {
  readonly text: string
  /** The last digit of the event's number in its stream, from 0, and a mark that is nowhere else in the body: what readers look for. */
  readonly mark: string
}

export const mark = '~'

/** Sent as the type of every event. */
export const type = 'tick'

const text = 'The quick brown fox jumps over the lazy dog, and the dog does not mind in the least.'
const ticks: readonly Tick[] = Array.from({ length: 10 }, (_, digit) => ({ text, mark: `${digit}${mark}` }))

/** The data of an event by its number in the stream, from 0. */
export function tickOf(number: number): Tick {
  return ticks[number % 10]!
}
