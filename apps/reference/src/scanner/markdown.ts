const special = /[\\`*_[\]|~<&]/g
/** Control characters, and those that reorder or hide text: a file name must not forge a line of the report. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const plain = /^[\p{L}\p{N} ./@+=,:#%()-][\p{L}\p{N} ./@+=,:#%()_-]*$/u
const maxShownLength = 100

/** Text from outside, so that Markdown and HTML show it as it is, in a paragraph or in the cell of a table. */
export function text(value: string): string {
  return value
    .replace(invisible, '\ufffd')
    .replace(special, (character) => (character === '<' ? '&lt;' : character === '&' ? '&amp;' : `\\${character}`))
}

/**
 * A path or a name: as code where it has only ordinary characters, else as escaped text. A long one loses its middle.
 */
export function code(value: string): string {
  const shown = value.length > maxShownLength ? withoutMiddle(value) : value
  return plain.test(shown) && shown.trim() === shown ? `\`${shown}\`` : text(shown)
}

/** A table of cells that are Markdown already. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n\n`
}

/** `12,345` */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** `1 file`, `2 files` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** `1.5 MiB` */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/**
 * Cuts Markdown between its lines into pieces of at most `maxLength` UTF-16 units; only a longer line is cut inside,
 * and never inside a surrogate pair. The pieces put together are the text.
 */
export function pieces(markdown: string, maxLength = 1_000): string[] {
  const found: string[] = []
  for (let start = 0; start < markdown.length; ) {
    let end = Math.min(start + maxLength, markdown.length)
    if (end < markdown.length) {
      const newline = markdown.lastIndexOf('\n', end - 1)
      if (newline >= start) end = newline + 1
      else if (/[\ud800-\udbff]/.test(markdown[end - 1]!)) end--
    }
    found.push(markdown.slice(start, end))
    start = end
  }
  return found
}

function withoutMiddle(value: string): string {
  const characters = Array.from(value)
  const half = maxShownLength / 2 - 1
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`
}
