/** A place that looks like a secret. The value is never part of it. */
export interface PatternMatch {
  readonly kind: string
  readonly start: number
  readonly end: number
}

/** Every repetition that something must follow is bounded, so that hostile text costs no more than its length. */
const patterns: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['github', /\bgh[pousr]_[A-Za-z0-9]{36,255}|\bgithub_pat_[A-Za-z0-9_]{22,255}/g],
  ['gitlab', /\bglpat-[\w-]{20,255}/g],
  ['slack', /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}|\bhooks\.slack\.com\/services\/[\w/]{20,255}/g],
  ['aws', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g],
  ['stripe', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}/g],
  ['google', /\bAIza[\w-]{35}/g],
  ['anthropic', /\bsk-ant-[\w-]{20,255}/g],
  ['openai', /\bsk-(?!ant-)[\w-]{20,255}/g],
  ['npm', /\bnpm_[A-Za-z0-9]{36}\b/g],
  ['privatekey', /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/g],
  ['jwt', /\beyJ[\w-]{8,2000}\.eyJ[\w-]{8,2000}\.[\w-]{8,2000}/g],
  ['basicauth', /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@'"`]{1,100}:(?<value>[^\s/@'"`]{3,200})@/gi],
  [
    'assignment',
    /(?:secret|token|passwo?r?d|api[_-]?key|private[_-]?key|access[_-]?key)["']?\s{0,10}[:=]\s{0,10}["'`](?<value>[^"'`\s]{12,200})["'`]/gi,
  ],
]

const placeholder =
  /[<>{}*$%]|x{4}|\.\.\.|example|changeme|placeholder|dummy|sample|your[_-]?|^pass(?:word)?$|^secret$/i
/** In bits per character: words stay below, random text lies above. */
const minEntropy = 3.5

/** The likely secrets in a text, without those that are plainly placeholders. */
export function matchSecrets(text: string): PatternMatch[] {
  return patterns.flatMap(([kind, pattern]) =>
    Array.from(text.matchAll(pattern))
      .filter(({ groups }) => isLikely(kind, groups?.value))
      .map((match) => ({ kind, start: match.index, end: match.index + match[0].length })),
  )
}

/** The text with everything hidden that has the form of a secret, placeholders too. */
export function maskSecrets(text: string): string {
  return patterns.reduce((masked, [, pattern]) => masked.replace(pattern, '[hidden]'), text)
}

function isLikely(kind: string, value: string | undefined): boolean {
  if (value === undefined) return true
  return !placeholder.test(value) && (kind !== 'assignment' || entropy(value) >= minEntropy)
}

function entropy(value: string): number {
  const counts = new Map<string, number>()
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length)
  return bits
}
