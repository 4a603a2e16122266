import { readFileSync } from 'node:fs'

/** One case of `vectors/sse-parser.json`; `vectors/README.md` says what each member means. */
export interface Vector {
  readonly name: string
  readonly why: string
  readonly chunks: readonly string[]
  readonly expect: {
    readonly events: readonly { readonly type: string; readonly data: string; readonly lastEventId: string }[]
    readonly retry: number | null
    readonly comments: readonly string[]
    readonly lastEventId: string
  }
}

export const kit = new URL('../vectors/sse-parser.json', import.meta.url)

export const vectors: readonly Vector[] = JSON.parse(readFileSync(kit, 'utf8'))

export function chunksOf(vector: Vector): Uint8Array[] {
  return vector.chunks.map((chunk) => Uint8Array.from(Buffer.from(chunk, 'base64')))
}
