import { createRequire } from 'node:module'
import { expect, it, vi } from 'vitest'
import { bundle, type ReactVersion } from './react-pages.js'

async function load(version: ReactVersion): Promise<typeof import('./server.js')> {
  const script = await bundle(new URL('./server.ts', import.meta.url), version, 'node')
  const module = { exports: {} }
  new Function('require', 'module', script)(createRequire(import.meta.url), module)
  return module.exports as typeof import('./server.js')
}

const versions: ReactVersion[] = [18, 19]

it.each(versions)(
  'on a server with React %i a stream is idle, also by a relative URL, and requests nothing',
  async (version) => {
    const { render } = await load(version)
    const fetch = vi.spyOn(globalThis, 'fetch')
    const error = vi.spyOn(console, 'error')
    try {
      const texts = [render('/stream'), render('http://127.0.0.1/stream'), render(null)]
      await new Promise((resolve) => setImmediate(resolve))
      expect(new Set(texts)).toEqual(new Set(['<p>idle 0 undefined</p>']))
      expect(fetch).not.toHaveBeenCalled()
      expect(error).not.toHaveBeenCalled()
    } finally {
      vi.restoreAllMocks()
    }
  },
)
