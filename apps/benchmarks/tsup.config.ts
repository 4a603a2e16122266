import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    child: 'src/child.ts',
    'reader-process': 'src/server/reader-process.ts',
    'stream-server-process': 'src/client/stream-server-process.ts',
  },
  format: ['esm'],
  target: 'node20',
  clean: true,
  sourcemap: true,
  removeNodeProtocol: false,
})
