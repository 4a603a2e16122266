/** Where a reading goes on: the stream's address, and how to name a place in it on a command line. */
export class Continuation {
  readonly #repeatable: boolean
  #url: string | undefined

  constructor(method: string) {
    this.#repeatable = method === 'GET'
  }

  /** The answer to a request that must not be repeated says where its stream is (PROTOCOL.md §4.1). */
  learn(response: Response, requestUrl: string): void {
    const { headers, status } = response
    const location = headers.get('content-location') ?? (status === 201 ? headers.get('location') : null)
    const base = response.url || requestUrl
    if (this.#repeatable || location === null || !URL.canParse(location, base)) return
    const url = new URL(location, base)
    if (url.origin === new URL(requestUrl).origin) this.#url = url.href
  }

  /** What to give to the command, with the same headers, to read what follows an event. */
  after(id: string | undefined): string | undefined {
    if (!id || /\p{C}/u.test(id)) return undefined
    const option = `--last-event-id=${quote(id)}`
    if (this.#repeatable) return `the same command with ${option}`
    return this.#url === undefined ? undefined : `sse-client ${quote(this.#url)} ${option}`
  }
}

/** A word for a shell. An id of a server could otherwise be a command of its own. */
function quote(word: string): string {
  return /^[\w%+,./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
