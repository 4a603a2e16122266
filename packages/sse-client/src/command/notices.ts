import type { Tone } from './colour.js'
import { escapeControls } from './terminal-text.js'

/**
 * Tells what happens to the connection, in order with the events. The connection may be ahead of the loop that prints them: what happened
 * after an event waits until that is printed.
 */
export class Notices {
  readonly #print: (line: string, tone: Tone) => void
  readonly #waiting: { readonly after: number; readonly text: string }[] = []
  #arrived = 0
  #printed = 0

  constructor(print: (line: string, tone: Tone) => void) {
    this.#print = print
  }

  arrived(): void {
    this.#arrived += 1
  }

  printed(): void {
    this.#printed += 1
    while (this.#waiting[0] && this.#waiting[0].after <= this.#printed) this.#tell(this.#waiting.shift()!.text)
  }

  tell(text: string): void {
    if (this.#printed < this.#arrived) this.#waiting.push({ after: this.#arrived, text })
    else this.#tell(text)
  }

  /** The last word: what waits for events that will not be printed is not told. */
  conclude(text: string, tone: Tone): void {
    this.#waiting.length = 0
    this.#tell(text, tone)
  }

  #tell(text: string, tone: Tone = 'dim'): void {
    this.#print(`* ${escapeControls(text)}`, tone)
  }
}
