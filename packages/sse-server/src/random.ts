const digits = '0123456789abcdefghijklmnopqrstuvwxyz'

/** A new epoch: ten digits of base 36, which is 51 random bits (PROTOCOL.md §3.3). */
export function createEpoch(): string {
  let epoch = ''
  for (const byte of crypto.getRandomValues(new Uint8Array(10))) epoch += digits[byte % 36]!
  return epoch
}

/** A whole number of milliseconds between one and three times the given, so that readers do not come back together. */
export function jitter(milliseconds: number): number {
  return Math.round(milliseconds * (1 + 2 * Math.random()))
}

/** Between four fifths of a time and all of it, so that what began together does not end together. */
export function shorten(milliseconds: number): number {
  return milliseconds * (0.8 + 0.2 * Math.random())
}
