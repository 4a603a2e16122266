import { defineConfig } from 'tsup'

export default defineConfig([
  {
    entry: { main: 'src/main.ts', 'scanner-worker': 'src/scanner/worker.ts' },
    format: ['esm'],
    target: 'node20',
    clean: ['!public/**'],
    sourcemap: true,
    removeNodeProtocol: false,
  },
  {
    // The page is one file without imports, so that it runs under a strict content security policy.
    entry: { page: 'src/page/page.ts' },
    outDir: 'dist/public',
    clean: true,
    format: ['esm'],
    platform: 'browser',
    target: 'es2022',
    noExternal: [/./],
    sourcemap: true,
  },
])
