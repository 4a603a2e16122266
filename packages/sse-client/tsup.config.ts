import { defineConfig, type Options } from 'tsup'
import { library } from '../../tsup.base'

/** Whoever uses two entries has one core: `instanceof` holds between them, for `require` too, where nothing is split off on its own. */
const oneCore: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'one-core',
  setup({ onResolve, initialOptions }) {
    const path = initialOptions.format === 'cjs' ? './index.cjs' : './index.js'
    onResolve({ filter: /^\.\/index\.js$/ }, () => ({ path, external: true }))
  },
}

// Two builds at a time, each of which clears only its own folder.
export default defineConfig([
  { ...library, entry: ['src/index.ts', 'src/react.ts'], clean: ['!command/**'], esbuildPlugins: [oneCore] },
  {
    ...library,
    entry: ['src/command/main.ts'],
    outDir: 'dist/command',
    format: ['esm'],
    dts: false,
    // The command is a user of the package like any other, and does not hold a second copy of it.
    external: ['../index.js'],
  },
])
