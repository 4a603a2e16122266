/** How a language marks comments and strings, as far as counting lines needs it. */
export interface CommentSyntax {
  /** Everything that changes what the text after it is; searched for from place to place. Sticky state: none. */
  readonly tokens: RegExp
  /** What begins a comment that goes to the end of the line. */
  readonly line: ReadonlySet<string>
  /** What begins a comment that goes on over lines, and what ends it. */
  readonly block: ReadonlyMap<string, string>
  /** What begins and ends a string that may go on over lines. */
  readonly longStrings: ReadonlySet<string>
  /** Whether a slash may begin a regular expression. */
  readonly regularExpressions: boolean
}

interface Parts {
  readonly line?: readonly string[]
  readonly block?: readonly (readonly [string, string])[]
  readonly strings?: readonly string[]
  readonly longStrings?: readonly string[]
  readonly regularExpressions?: boolean
}

function syntax({
  line = [],
  block = [],
  strings = [],
  longStrings = [],
  regularExpressions = false,
}: Parts): CommentSyntax {
  const tokens = [...block.map(([open]) => open), ...longStrings, ...line, ...strings]
  if (regularExpressions) tokens.push('/')
  // A hash is a comment only after a blank: `$#` and `a#b` are none. At the start of a line it follows the newline.
  const patterns = tokens.map((token) => (token === '#' ? '(?<![^\\s])#' : quoted(token)))
  return {
    tokens: new RegExp(['\\n', ...patterns].join('|'), 'g'),
    line: new Set(line),
    block: new Map(block),
    longStrings: new Set(longStrings),
    regularExpressions,
  }
}

function quoted(token: string): string {
  return token.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

export const none = syntax({})
export const cLike = syntax({ line: ['//'], block: [['/*', '*/']], strings: ['"', "'"], longStrings: ['"""'] })
/** Also Go, whose raw strings are in backticks. */
export const javaScript = syntax({
  line: ['//'],
  block: [['/*', '*/']],
  strings: ['"', "'"],
  longStrings: ['`'],
  regularExpressions: true,
})
export const styles = syntax({ block: [['/*', '*/']], strings: ['"', "'"] })
export const hash = syntax({ line: ['#'], strings: ['"', "'"] })
export const python = syntax({ line: ['#'], strings: ['"', "'"], longStrings: ['"""', "'''"] })
export const markup = syntax({ block: [['<!--', '-->']] })
export const dashes = syntax({
  line: ['--'],
  block: [
    ['/*', '*/'],
    ['--[[', ']]'],
    ['{-', '-}'],
  ],
  strings: ['"', "'"],
})
export const semicolons = syntax({ line: [';'], strings: ['"'] })
export const percent = syntax({ line: ['%'], strings: ['"'] })
