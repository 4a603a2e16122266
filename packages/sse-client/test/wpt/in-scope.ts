/** What pages and workers run: each sees nothing but its argument and `sse`. */

/** The first message of a stream, after which the client is closed. */
export async function firstMessage(url: string) {
  const client = new sse.EventStreamClient(url, { withCredentials: !url.startsWith('/') })
  const event = await new Promise<{ type: string; data: unknown; id: string }>((resolve) =>
    client.addEventListener('message', resolve),
  )
  client.close()
  return { type: event.type, data: event.data, id: event.id }
}

export function urlOf(url: string): string {
  return new sse.EventStreamClient(url, { autoOpen: false }).url
}
