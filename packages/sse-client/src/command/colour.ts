import { styleText } from 'node:util'

export type Tone = 'dim' | 'cyan' | 'green' | 'red'

/** Text in a colour, or as it is. */
export type Paint = (tone: Tone, text: string) => string

/** Colours go to terminals only. NO_COLOR that is not empty forbids them; FORCE_COLOR decides before all else, as Node has it. */
export function usesColour(
  stream: { readonly isTTY?: boolean },
  { FORCE_COLOR, NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return stream.isTTY === true && !NO_COLOR && TERM !== 'dumb'
}

export function painter(colour: boolean): Paint {
  // Newer versions of Node would decide again, and by standard output alone.
  return (tone, text) => (colour ? styleText(tone, text, { validateStream: false }) : text)
}
