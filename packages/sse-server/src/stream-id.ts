import { describe } from './expect-option.js'

const maxLength = 256

const loneSurrogate = /\p{Surrogate}/u

/** Whether a text can name a stream: 1 to 256 characters, none of them half of a pair, which logs would take for another. Anything else is not looked for. */
export function isStreamId(value: string): boolean {
  return value.length > 0 && value.length <= maxLength && !loneSurrogate.test(value)
}

/** @throws TypeError where the code that is to give the id of a stream gave none. */
export function expectText(value: string): string {
  if (typeof value === 'string') return value
  throw new TypeError(`Expected the id of a stream to be a text, got ${describe(value)}`)
}

/** @throws TypeError where the text cannot name a stream. */
export function expectStreamId(value: string): void {
  if (typeof value === 'string' && isStreamId(value)) return
  throw new TypeError(
    `Expected \`streamId\` to be a well-formed text of 1 to ${maxLength} characters, got ${describe(value)}`,
  )
}

/** The last segment of a URL's path, percent-decoded; empty where there is none or it cannot be decoded. One slash may follow it. */
export function lastSegment(url: string): string {
  const path = (url.split(/[?#]/, 1)[0] ?? '').replace(/\/$/, '')
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  } catch {
    return ''
  }
}
