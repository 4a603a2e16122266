import type { AgentChunk, AgentStatus } from '@x/sse-protocol'

interface TaskCells {
  readonly state?: string
  readonly progress?: string
  readonly time?: string
}

/** What the page shows of one scan. It only writes text, never markup: all of it comes from files on the server. */
export class ScanView {
  readonly #document: Document
  readonly #tasks = new Map<string, HTMLTableRowElement>()
  readonly #phases = new Map<string, HTMLLIElement>()
  #events = 0
  #length = 0

  constructor(document: Document) {
    this.#document = document
  }

  onStart(start: (path: string) => Promise<void>): void {
    const form = this.#get('start', HTMLFormElement)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#get('problem').hidden = true
      start(String(new FormData(form).get('path'))).catch((error: unknown) => this.problem(error))
    })
  }

  onConnection(toggle: () => void): void {
    this.#get('connection', HTMLButtonElement).addEventListener('click', toggle)
  }

  onCancel(cancel: () => Promise<void>): void {
    this.#get('cancel', HTMLButtonElement).addEventListener('click', () => {
      cancel().catch((error: unknown) => this.problem(error))
    })
  }

  /** Shows a scan that has just begun, and nothing of the one before. One runs at a time. */
  begin(url: URL): void {
    this.#events = 0
    this.#length = 0
    this.#tasks.clear()
    this.#phases.clear()
    for (const id of ['phases', 'tasks', 'notices', 'report']) this.#get(id).replaceChildren()
    this.#get('cursor').textContent = 'none'
    this.#get('count').textContent = '0'
    const link = this.#get('stream', HTMLAnchorElement)
    link.href = url.href
    link.hidden = false
    this.#setRunning(true)
  }

  state(state: string): void {
    this.#get('state').textContent = state === 'idle' ? 'dropped' : state
    this.#get('connection').textContent = state === 'idle' ? 'Restore the connection' : 'Drop the connection'
  }

  cursor(lastEventId: string): void {
    this.#events += 1
    this.#get('cursor').textContent = lastEventId
    this.#get('count').textContent = String(this.#events)
  }

  phase({ phase, status, message, progress }: AgentStatus): void {
    const item = this.#row(this.#phases, phase, 'phases', 'li')
    const percent = progress === undefined || status !== 'running' ? '' : ` ${Math.round(progress * 100)} %`
    item.textContent = `${phase}: ${status}${percent}${message === undefined ? '' : ` – ${message}`}`
  }

  task(id: string, { state, progress, time }: TaskCells): void {
    const row = this.#row(this.#tasks, id, 'tasks', 'tr')
    if (row.cells.length === 0) for (const text of [id, '', '', '']) row.insertCell().textContent = text
    for (const [index, text] of [undefined, state, progress, time].entries()) {
      if (text !== undefined) row.cells[index]!.textContent = text
    }
  }

  /** Folds a chunk into the report as PROTOCOL.md §8.2 says; appending, as long as nothing is taken back. */
  chunk({ text, offset }: AgentChunk): void {
    const report = this.#get('report')
    if (offset > this.#length) this.notice('A part of the report is missing here.')
    if (offset >= this.#length) report.append(text)
    else report.textContent = (report.textContent ?? '').slice(0, offset) + text
    this.#length = offset + text.length
  }

  notice(text: string): void {
    this.#get('notices').appendChild(this.#document.createElement('li')).textContent = text
  }

  /** Says how the scan ended; the state of the connection follows and must not hide it. */
  finish(outcome: 'complete' | 'cancelled' | 'failed'): void {
    this.#get('outcome').textContent = outcome
    this.#setRunning(false)
  }

  problem(error: unknown): void {
    const problem = this.#get('problem')
    problem.textContent = error instanceof Error ? error.message : String(error)
    problem.hidden = false
  }

  #setRunning(isRunning: boolean): void {
    if (isRunning) this.#get('outcome').textContent = 'running'
    this.#get('connection', HTMLButtonElement).disabled = !isRunning
    this.#get('cancel', HTMLButtonElement).disabled = !isRunning
    this.#get('submit', HTMLButtonElement).disabled = isRunning
  }

  #row<Tag extends 'li' | 'tr'>(
    rows: Map<string, HTMLElementTagNameMap[Tag]>,
    key: string,
    parent: string,
    tag: Tag,
  ): HTMLElementTagNameMap[Tag] {
    const row = rows.get(key) ?? this.#get(parent).appendChild(this.#document.createElement(tag))
    rows.set(key, row)
    return row
  }

  #get(id: string): HTMLElement
  #get<Type extends HTMLElement>(id: string, type: new () => Type): Type
  #get(id: string, type: new () => HTMLElement = HTMLElement): HTMLElement {
    const element = this.#document.getElementById(id)
    if (!(element instanceof type)) throw new Error(`The page has no #${id}`)
    return element
  }
}
