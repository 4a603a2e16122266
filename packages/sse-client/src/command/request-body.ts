import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { UsageError } from './usage-error.js'

/** The body that `--data` names: itself, `@file`, or `@-` for standard input. Bytes are sent as they are. @throws UsageError */
export async function readBody(data: string, stdin: NodeJS.ReadableStream): Promise<Buffer> {
  if (!data.startsWith('@')) return Buffer.from(data)
  if (data === '@-') return await buffer(stdin)
  try {
    return await readFile(data.slice(1))
  } catch (error) {
    throw new UsageError(`Cannot read the file of --data: ${(error as Error).message}`)
  }
}

/** The type of a body whose type nobody named. */
export function contentTypeOf(body: Buffer): string {
  try {
    JSON.parse(body.toString())
    return 'application/json'
  } catch {
    return 'application/octet-stream'
  }
}
