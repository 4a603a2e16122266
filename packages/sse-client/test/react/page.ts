// What the pages of these tests hold: bundled once for each version of React, which alias puts in the place of `react`.
import { defineEvents } from '@x/sse-protocol'
import * as React from 'react'
import { flushSync } from 'react-dom'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server.browser'
import { EventStreamClient, EventStreamError } from '../../src/index.js'
import { type UseEventStreamOptions, type UseEventStreamResult, useEventStream } from '../../src/react.js'

interface TickEvents {
  tick: { n: number }
  done: { total: number }
}

type TickView = UseEventStreamResult<TickEvents, unknown>

const ticks = defineEvents<TickEvents>({
  types: { tick: {}, done: { terminal: true } },
  failure: () => [{ type: 'done', data: { total: 0 } }],
})

interface ProbeProperties {
  readonly url: string | null
  /** Made anew by every render, as in most applications. */
  readonly options?: () => UseEventStreamOptions<TickEvents> & {
    readonly reduce?: Reduce
    readonly initialValue?: unknown
  }
  readonly name?: string
}

type Reduce = (value: unknown, event: { readonly type: string; readonly data: unknown }) => unknown

/** What each probe has rendered, and what has reached the screen. */
const renders: Record<string, TickView[]> = {}
const commits: Record<string, TickView[]> = {}

function Probe({ url, options, name = 'probe' }: ProbeProperties) {
  const view: TickView = useEventStream<TickEvents, unknown>(url, {
    events: ticks,
    ...options?.(),
  } as UseEventStreamOptions<TickEvents> & { reduce: Reduce; initialValue: unknown })
  renders[name] ??= []
  renders[name].push(view)
  React.useEffect(() => {
    commits[name] ??= []
    if (commits[name].at(-1) !== view) commits[name].push(view)
  })
  return React.createElement('p', null, view.state)
}

class Boundary extends React.Component<{ readonly children: React.ReactNode }> {
  override state: { error?: Error } = {}
  static getDerivedStateFromError(error: Error) {
    return { error }
  }
  override render() {
    if (this.state.error) caught.push(this.state.error)
    return this.state.error ? null : this.props.children
  }
}

const caught: Error[] = []
const probe = (properties: ProbeProperties & { readonly key?: string }) => React.createElement(Probe, properties)
const strict = (...children: React.ReactNode[]) => React.createElement(React.StrictMode, null, ...children)
const bounded = (...children: React.ReactNode[]) => React.createElement(Boundary, null, ...children)
const root = () => createRoot(document.querySelector('main')!)
const last = (name = 'probe'): TickView | undefined => commits[name]?.at(-1)

const pageKit = {
  React,
  EventStreamClient,
  EventStreamError,
  bounded,
  caught,
  commits,
  flushSync,
  hydrateRoot,
  last,
  probe,
  renderToString,
  renders,
  root,
  strict,
  useEventStream,
  /** What a test keeps in its page from one step to the next. */
  held: {} as Record<string, unknown> & { root?: ReturnType<typeof createRoot> },
}

declare global {
  /** For the functions that tests run in their pages. */
  var kit: typeof pageKit
}

globalThis.kit = pageKit
