import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { main: 'src/main.ts', child: 'src/child.ts', 'reader-process': 'src/server/reader-process.ts' },
  format: ['esm'],
  target: 'node20',
  clean: true,
  sourcemap: true,
  removeNodeProtocol: false,
})
