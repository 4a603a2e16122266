// What a server runs: bundled once for each version of React.
import { createElement, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { useEventStream } from '../../src/react.js'

function Stream({ url }: { readonly url: string | null }) {
  const { state, client, value } = useEventStream(url, {
    method: 'POST',
    body: 'x',
    reduce: (count: number) => count + 1,
    initialValue: 0,
  })
  return createElement('p', null, `${state} ${value} ${client}`)
}

export const render = (url: string | null): string =>
  renderToString(createElement(StrictMode, null, createElement(Stream, { url })))
