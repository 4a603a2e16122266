import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { findProgram } from '../../../../scripts/programs.mjs'

const ip = findProgram('ip')

function run(...words: string[]): void {
  execFileSync(ip!, words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Why no network namespace can be made here; `undefined`: one can. */
export function whyNoNamespace(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (ip === undefined) return 'the program ip is missing'
  const name = `sse-probe-${process.pid}`
  try {
    run('netns', 'add', name)
    run('netns', 'del', name)
    return undefined
  } catch (error) {
    return `this process may not make one: ${String((error as { stderr?: unknown }).stderr ?? error).trim()}`
  }
}

/** A network of its own, joined to ours by a pair of virtual cards, whose cable can be pulled. */
export class NetworkNamespace {
  readonly #name = `sse-${process.pid}`
  readonly #outer = `sse${process.pid}a`
  readonly #inner = `sse${process.pid}b`
  readonly #children: ChildProcess[] = []
  /** Our address, as the other side sees it. Of the range for tests of RFC 2544. */
  readonly address = `198.18.${process.pid % 256}.1`

  constructor() {
    run('netns', 'add', this.#name)
    try {
      run('link', 'add', this.#outer, 'type', 'veth', 'peer', 'name', this.#inner, 'netns', this.#name)
      run('addr', 'add', `${this.address}/30`, 'dev', this.#outer)
      run('link', 'set', this.#outer, 'up')
      run('-n', this.#name, 'addr', 'add', this.address.replace(/1$/, '2/30'), 'dev', this.#inner)
      run('-n', this.#name, 'link', 'set', this.#inner, 'up')
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Runs a program of Node on the other side. */
  node(source: string, ...words: string[]): ChildProcess {
    const child = spawn(ip!, ['netns', 'exec', this.#name, process.execPath, '-e', source, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    return child
  }

  /** From now on nothing arrives on the other side or comes from there, and nobody is told. */
  pullCable(): void {
    run('-n', this.#name, 'link', 'set', this.#inner, 'down')
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    // The namespace lives on for as long as its last process does, and the cards with it.
    try {
      run('link', 'del', this.#outer)
    } finally {
      run('netns', 'del', this.#name)
    }
  }
}
