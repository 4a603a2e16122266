import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

/** What a bundler makes of the built package, minified and compressed, in bytes. */
async function size(statement: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: statement, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    legalComments: 'none',
  })
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length
}

it.each([
  ['the parser alone', "export { EventStreamParser } from './dist/index.js'", 1.9 * 1024],
  ['the whole package', "export * from './dist/index.js'", 4 * 1024],
])('%s is small', async (name, statement, maxBytes) => {
  const bytes = await size(statement)
  console.log(`${name}: ${bytes} of ${maxBytes} bytes, minified and gzipped`)
  expect(bytes).toBeLessThanOrEqual(maxBytes)
})
