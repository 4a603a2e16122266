import { EventStreamClient } from '@x/sse-client'
import { EventStreamParser } from '@x/sse-protocol'
import { EventSource } from 'eventsource'
import { contract, type Data, type Events } from './corpus.js'

/** Where a reader gets the stream from. */
export interface Source {
  readonly url: string
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  readonly close?: () => void
}

/** Called for each event with its data as a value. */
export type Take = (type: string, data: Data, id: string) => void

/** Reads a stream from its beginning to its terminal event, as the documentation of its package shows. */
export type Reader = (source: Source, take: Take) => Promise<void>

/** The order of a table. Without a contract nobody but the caller knows the terminal event. */
export function readers(hasContract: boolean): Readonly<Record<string, Reader>> {
  const events = hasContract ? contract : undefined
  return {
    eventsource: ({ url, fetch }, take) =>
      new Promise((resolve, reject) => {
        const source = new EventSource(url, { fetch })
        source.addEventListener('tick', (event) => take(event.type, JSON.parse(event.data), event.lastEventId))
        source.addEventListener('done', (event) => {
          take(event.type, JSON.parse(event.data), event.lastEventId)
          source.close()
          resolve()
        })
        source.addEventListener('error', ({ message }) => {
          source.close()
          reject(new Error(message))
        })
      }),
    'EventStreamClient, listener': async ({ url, fetch }, take) => {
      const client = new EventStreamClient<Events>(url, { events, fetch })
      client.addEventListener('tick', (event) => take(event.type, event.data, event.id))
      const closed = new Promise<void>((resolve) => {
        client.addEventListener('done', (event) => {
          take(event.type, event.data, event.id)
          if (hasContract) return
          client.close()
          resolve()
        })
      })
      // Without a contract `done` stays pending, unless the reading fails.
      await Promise.race([client.done, closed])
    },
    'EventStreamClient, for await': async ({ url, fetch }, take) => {
      for await (const event of new EventStreamClient<Events>(url, { events, fetch, autoOpen: false })) {
        take(event.type, event.data, event.id)
        if (!hasContract && event.type === 'done') break
      }
    },
    'fetch + parser by hand': async ({ url, fetch }, take) => {
      const response = await fetch(url)
      const reader = response.body!.getReader()
      const parser = new EventStreamParser()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        for (const { type, data, lastEventId } of parser.push(value)) {
          if (type !== 'heartbeat') take(type, JSON.parse(data), lastEventId)
        }
      }
    },
  }
}
