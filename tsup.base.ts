import type { Options } from 'tsup'

/** What every published package is built as: ESM and CommonJS, each with its own types, for Node 20.19 and browsers of 2022 on. */
export const library: Options = {
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  target: 'es2022',
  clean: true,
  sourcemap: true,
  removeNodeProtocol: false,
  // tsup sets `baseUrl` for the declaration build, which TypeScript 6 reports as deprecated.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
}
