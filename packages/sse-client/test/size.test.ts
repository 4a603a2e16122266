import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

/** What a bundler makes of the built package with all that it depends on, minified and compressed, in bytes. */
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

// The aim is 4,500 bytes; docs/decisions/0011 says what stands in its way.
it('the client with everything but React and the command line does not grow', async () => {
  const bytes = await size("export * from './dist/index.js'")
  console.log(`the client: ${bytes} bytes, minified and gzipped`)
  expect(bytes).toBeLessThanOrEqual(10_240)
})
