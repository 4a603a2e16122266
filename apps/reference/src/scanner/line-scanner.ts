import type { CommentSyntax } from './comment-syntax.js'

/** A line counts once: as code if it holds any, else as comment, else as blank. */
export interface LineCounts {
  readonly lines: number
  readonly code: number
  readonly comments: number
  readonly blank: number
}

const word = /[\w$)\]}]/
const regularExpression = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//
/** Where more than this lies between two slashes, the first is taken for a division: a bound on looking ahead. */
const maxRegularExpression = 256
const keywordBefore = /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)$/

/**
 * Counts the lines of `text` and tells `onComment` of each line's part of a comment, by line (from 1), start and end.
 * It is a scan for comments and strings, not a parser: an unusual literal can hide the rest of its own line.
 */
export function scanLines(
  text: string,
  syntax: CommentSyntax,
  onComment?: (line: number, start: number, end: number) => void,
): LineCounts {
  const tokens = new RegExp(syntax.tokens)
  let lines = 0
  let code = 0
  let comments = 0
  let hasCode = false
  let hasComment = false
  let position = 0
  let knownEnd = -1
  /** Looked for once a line, or a file of one line would be read as often as it has strings. */
  const endOfLine = (from: number): number => {
    if (from > knownEnd) {
      const newline = text.indexOf('\n', from)
      knownEnd = newline === -1 ? text.length : newline
    }
    return knownEnd
  }
  const endLine = (): void => {
    lines++
    if (hasCode) code++
    else if (hasComment) comments++
    hasCode = false
    hasComment = false
  }
  /** Takes what lies between two places, perhaps over several lines. */
  const take = (end: number, isComment: boolean): void => {
    while (position < end) {
      const stop = Math.min(endOfLine(position), end)
      if (isComment) {
        hasComment ||= hasInk(text, position, stop)
        if (stop > position) onComment?.(lines + 1, position, stop)
      } else hasCode ||= hasInk(text, position, stop)
      position = stop
      if (stop < end) {
        endLine()
        position++
      }
    }
  }
  for (;;) {
    tokens.lastIndex = position
    const match = tokens.exec(text)
    if (!match) break
    const [token] = match
    take(match.index, false)
    const after = match.index + token.length
    const close = syntax.block.get(token)
    if (token === '\n') {
      endLine()
      position = after
    } else if (close !== undefined) {
      const end = text.indexOf(close, after)
      take(end === -1 ? text.length : end + close.length, true)
    } else if (syntax.line.has(token)) {
      take(endOfLine(after), true)
    } else if (syntax.longStrings.has(token)) {
      take(endOfString(text, after, token, text.length), false)
    } else if (token === '/') {
      take(endOfRegularExpression(text, match.index), false)
    } else {
      take(endOfString(text, after, token, endOfLine(after)), false)
    }
  }
  take(text.length, false)
  // Without a newline at its end the last line still is one.
  if (text !== '' && !text.endsWith('\n')) endLine()
  return { lines, code, comments, blank: lines - code - comments }
}

/** The text with its comments as blanks: every other character keeps its place. */
export function blankComments(text: string, syntax: CommentSyntax): string {
  let result = ''
  let copied = 0
  scanLines(text, syntax, (_line, start, end) => {
    result += text.slice(copied, start) + ' '.repeat(end - start)
    copied = end
  })
  return result + text.slice(copied)
}

function hasInk(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const unit = text.charCodeAt(index)
    if (unit !== 32 && unit !== 9 && unit !== 13) return true
  }
  return false
}

/** Behind the quote that closes a string; `limit` where none does. */
function endOfString(text: string, from: number, quote: string, limit: number): number {
  for (let end = text.indexOf(quote, from); end !== -1 && end < limit; end = text.indexOf(quote, end + 1)) {
    let backslashes = 0
    while (end - backslashes > from && text.charCodeAt(end - backslashes - 1) === 92) backslashes++
    if (backslashes % 2 === 0) return end + quote.length
  }
  return limit
}

/** Behind a regular expression that begins here; behind the slash where it is a division. */
function endOfRegularExpression(text: string, slash: number): number {
  let before = slash - 1
  while (before >= 0 && (text[before] === ' ' || text[before] === '\t')) before--
  const previous = before < 0 ? '\n' : text[before]!
  if (
    previous === '<' ||
    (word.test(previous) && !keywordBefore.test(text.slice(Math.max(0, before - 12), before + 1)))
  ) {
    return slash + 1
  }
  const match = regularExpression.exec(text.slice(slash, slash + maxRegularExpression))
  return slash + (match?.[0].length ?? 1)
}
