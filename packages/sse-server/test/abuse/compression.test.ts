import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import compression from 'compression'
import express from 'express'
import { expect, it } from 'vitest'
import { createSse, isTick, isType, logged, Reader } from '../harness.js'
import { serve, turn } from './harness.js'

/** Express with compression in front of everything. */
async function compressed(options?: compression.CompressionOptions) {
  const sse = createSse()
  const app = express()
  app.use(compression(options))
  app.get('/streams/:id', sse.middleware())
  app.get('/text', (_request, response) => {
    response.type('text/plain').send('x'.repeat(5_000))
  })
  const { port } = await serve(app)
  return { sse, stream: await sse.open('s'), origin: `http://127.0.0.1:${port}`, port }
}

const zipped = { 'Accept-Encoding': 'gzip, deflate, br' }

it.each([
  ['as it is by default', undefined],
  ['set to compress everything', { filter: () => true, threshold: 0 }],
])('behind `compression()`, %s, every event arrives before the next one is published', async (_name, options) => {
  const { stream, origin } = await compressed(options)
  expect((await fetch(`${origin}/text`, { headers: zipped })).headers.get('content-encoding')).toBe('br')
  const response = await fetch(`${origin}/streams/s`, { headers: zipped })
  expect(response.headers.get('content-encoding')).toBe(null)
  const reader = new Reader(response)
  await reader.until(isType('heartbeat'))
  for (let n = 0; n < 100; n++) {
    await stream.publish('tick', { n })
    await reader.until(isTick(n))
  }
  await stream.end('done', { total: 100 })
  expect(logged(await reader.rest())).toHaveLength(101)
})

it('behind `compression()` a reader that was backed up is given the rest once it has room', async () => {
  const { sse, stream, origin } = await compressed()
  const reader = new Reader(await fetch(`${origin}/streams/s`, { headers: zipped }))
  // More than the kernel takes, so that the way goes through `drain`, which this middleware listens to in our place.
  for (let n = 0; n < 120; n++) {
    await stream.publish('tick', { n, text: 'x'.repeat(60_000) })
    await turn()
  }
  await stream.end('done', { total: 120 })
  expect(sse.metrics().connections).toBe(1)
  expect(logged(await reader.rest())).toHaveLength(121)
})

it('behind `compression()` a reader that leaves gives its place back', async () => {
  const { sse, origin } = await compressed()
  const reader = new Reader(await fetch(`${origin}/streams/s`, { headers: zipped }))
  await reader.until(isType('heartbeat'))
  await reader.cancel()
  while (sse.metrics().connections > 0) await turn()
})

it('behind `compression()` a page of JSON is compressed and whole', async () => {
  const { stream, port } = await compressed()
  for (let n = 0; n < 100; n++) await stream.publish('tick', { n })
  const body = await new Promise<{ encoding: string | undefined; text: string }>((resolve, reject) => {
    const headers = { Accept: 'application/json', 'Accept-Encoding': 'gzip' }
    request({ port, path: '/streams/s', headers }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      resolve({ encoding: response.headers['content-encoding'], text: gunzipSync(Buffer.concat(chunks)).toString() })
    })
      .on('error', reject)
      .end()
  })
  expect(body.encoding).toBe('gzip')
  expect(JSON.parse(body.text).events).toHaveLength(100)
})
