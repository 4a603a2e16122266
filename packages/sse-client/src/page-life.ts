/**
 * Follows the life of the page, where there is one: going online, and into the back-forward cache and out of it. In the cache a
 * connection would stay open, and what comes is lost with it if the page is thrown away. A hidden page is no concern of anybody.
 * Returns what ends it.
 */
export function followPage(onHide: () => void, onShow: () => void): () => void {
  const controller = new AbortController()
  const on = (type: string, listener: (event: { readonly persisted?: boolean }) => void): void =>
    globalThis.addEventListener?.(type, listener as EventListener, { signal: controller.signal })
  on('online', onShow)
  on('pagehide', ({ persisted }) => persisted && onHide())
  on('pageshow', ({ persisted }) => persisted && onShow())
  return () => controller.abort()
}
