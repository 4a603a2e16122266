import {
  C,
  Clojure,
  'C++' as CPlusPlus,
  'C#' as CSharp,
  CSS,
  Dart,
  Dockerfile,
  Elixir,
  Erlang,
  Go,
  GraphQL,
  Groovy,
  Haskell,
  HCL,
  HTML,
  Java,
  JavaScript,
  JSON as Json,
  'JSON with Comments' as JsonWithComments,
  Kotlin,
  Less,
  Lua,
  Makefile,
  Markdown,
  'Objective-C' as ObjectiveC,
  Perl,
  PHP,
  PowerShell,
  'Protocol Buffer' as ProtocolBuffer,
  Python,
  R,
  Ruby,
  Rust,
  Sass,
  SCSS,
  Scala,
  Shell,
  SQL,
  Svelte,
  Swift,
  TOML,
  TSX,
  TypeScript,
  Vue,
  XML,
  YAML,
  Zig,
} from 'linguist-languages'
import {
  type CommentSyntax,
  cLike,
  dashes,
  hash,
  javaScript,
  markup,
  none,
  percent,
  python,
  semicolons,
  styles,
} from './comment-syntax.js'

/** A language that the scanner tells apart. */
export interface Language {
  readonly name: string
  readonly type: 'programming' | 'markup' | 'data' | 'prose'
  readonly syntax: CommentSyntax
}

interface LinguistLanguage {
  readonly name: string
  readonly type: Language['type']
  readonly extensions?: readonly string[]
  readonly filenames?: readonly string[]
}

/**
 * The earlier one has an extension that two of them claim: `.ts` is also XML of Qt, `.md` a machine description of
 * GCC.
 */
const languages: readonly (readonly [LinguistLanguage, CommentSyntax])[] = [
  [TypeScript, javaScript],
  [TSX, javaScript],
  [JavaScript, javaScript],
  [Json, none],
  [JsonWithComments, cLike],
  [Markdown, markup],
  [HTML, markup],
  [Vue, markup],
  [Svelte, markup],
  [CSS, styles],
  [SCSS, cLike],
  [Sass, cLike],
  [Less, cLike],
  [YAML, hash],
  [TOML, hash],
  [Python, python],
  [Go, javaScript],
  [Rust, cLike],
  [Java, cLike],
  [Kotlin, cLike],
  [Scala, cLike],
  [Groovy, cLike],
  [Swift, cLike],
  [Dart, cLike],
  [C, cLike],
  [CPlusPlus, cLike],
  [CSharp, cLike],
  [ObjectiveC, cLike],
  [Zig, cLike],
  [PHP, cLike],
  [Ruby, hash],
  [Shell, hash],
  [PowerShell, hash],
  [Perl, hash],
  [R, hash],
  [Elixir, hash],
  [Makefile, hash],
  [Dockerfile, hash],
  [HCL, hash],
  [GraphQL, hash],
  [ProtocolBuffer, cLike],
  [SQL, dashes],
  [Lua, dashes],
  [Haskell, dashes],
  [Clojure, semicolons],
  [Erlang, percent],
  [XML, markup],
]

const byExtension = new Map<string, Language>()
const byFileName = new Map<string, Language>()
for (const [{ name, type, extensions = [], filenames = [] }, syntax] of languages) {
  const language: Language = { name, type, syntax }
  for (const extension of extensions) if (!byExtension.has(extension)) byExtension.set(extension, language)
  for (const filename of filenames) if (!byFileName.has(filename)) byFileName.set(filename, language)
}

/** Written by programs for programs: counted as files, not as lines of somebody. */
const generated =
  /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.lock|composer\.lock|poetry\.lock|uv\.lock|Gemfile\.lock|go\.sum)$|\.min\.(?:js|css)$|\.map$|\.snap$/

/** The language of a file by its name; none for a file that is generated or that nobody writes by hand. */
export function languageOf(path: string): Language | undefined {
  if (generated.test(path)) return undefined
  const name = path.slice(path.lastIndexOf('/') + 1)
  const named = byFileName.get(name)
  if (named) return named
  // From the first dot on, so that the longest extension decides.
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const language = byExtension.get(name.slice(dot).toLowerCase())
    if (language) return language
  }
  return undefined
}
