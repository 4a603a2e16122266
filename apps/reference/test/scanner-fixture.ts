import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Tool, ToolContext, ToolRegistry } from '@x/dag-executor'
import { build } from 'tsup'
import { afterAll, afterEach, beforeAll, it } from 'vitest'
import { findProgram } from '../../../scripts/programs.mjs'
import type { Inventory } from '../src/scanner/inventory.js'
import { type ScannerTools, type ScannerToolsOptions, scannerTools } from '../src/scanner/tools.js'

/** For tests whose fixture is a git repository. */
export const itWithGit = it.skipIf(!findProgram('git'))

/** A directory that is gone when the test is over. */
export interface Fixture extends Disposable {
  readonly root: string
  write(files: Readonly<Record<string, string | Uint8Array>>): void
  git(...parameters: string[]): string
}

export function fixture(files: Readonly<Record<string, string | Uint8Array>> = {}): Fixture {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'scanner-')))
  const made: Fixture = {
    root,
    write(more) {
      for (const [path, content] of Object.entries(more)) {
        mkdirSync(dirname(join(root, path)), { recursive: true })
        writeFileSync(join(root, path), content)
      }
    },
    git: (...parameters) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.org', ...parameters], {
        cwd: root,
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
  made.write(files)
  return made
}

/** For a file of tests: scanner tools over directories, closed after each test. The worker is built once. */
export function useScanner() {
  let worker: Awaited<ReturnType<typeof buildWorker>>
  let opened: (ScannerTools | Fixture)[] = []

  beforeAll(async () => {
    worker = await buildWorker()
  })
  afterEach(async () => {
    for (const thing of opened) 'close' in thing ? await thing.close() : thing[Symbol.dispose]()
    opened = []
  })
  afterAll(() => worker.remove())

  /** Tools over a directory in a fixture. */
  function openIn(made: Fixture, root: string, options: Omit<ScannerToolsOptions, 'root'> = {}): ScannerTools {
    const scanner = scannerTools({ root, maxThreads: 1, workerFile: worker.file, ...options })
    opened.push(scanner, made)
    return scanner
  }
  return {
    openIn,
    /** The worker's file, once the tests run. */
    workerFile: () => worker.file,
    /** Tools over a directory with these files. */
    open(files: Readonly<Record<string, string | Uint8Array>>, options?: Omit<ScannerToolsOptions, 'root'>) {
      const made = fixture(files)
      return { ...made, ...openIn(made, made.root, options) }
    },
  }
}

/** A worker made from the sources as they are now, so that no test runs an older build. */
async function buildWorker(): Promise<{ readonly file: URL; remove(): void }> {
  const packageRoot = fileURLToPath(new URL('..', import.meta.url))
  // Inside the package, because the worker imports its dependencies from there.
  const cache = join(packageRoot, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const outDir = mkdtempSync(join(cache, 'scanner-worker-'))
  await build({
    config: false,
    clean: false,
    entry: { worker: join(packageRoot, 'src/scanner/worker.ts') },
    format: 'esm',
    outDir,
    removeNodeProtocol: false,
    silent: true,
    target: 'node20',
  })
  return {
    file: pathToFileURL(join(outDir, 'worker.js')),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  }
}

export interface ToolCall {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: number | undefined) => void
}

/** Calls a tool as an executor would. `Output` is what the tool is known to give. */
export async function call<Output>(
  tools: ToolRegistry,
  name: string,
  args: unknown,
  { signal = new AbortController().signal, onProgress = () => {} }: ToolCall = {},
): Promise<Output> {
  const context: ToolContext = {
    signal,
    executionId: 'execution',
    taskId: name,
    attempt: 1,
    idempotencyKey: `execution/${name}`,
    progress: onProgress,
    emit: () => {},
  }
  const tool = tools[name] as Tool<unknown, Output>
  return await tool.run(args, context)
}

/** What a tool gives for a directory: its inventory is taken first. */
export async function analyse<Output>(tools: ToolRegistry, name: string, path = '.'): Promise<Output> {
  const inventory = await call<Inventory>(tools, 'inventory', { path })
  return await call<Output>(tools, name, { inventory })
}

/** An inventory as a caller could make it up. */
export function forged(...paths: string[]) {
  return { inventory: { path: '.', files: paths.map((path) => ({ path, bytes: 1, modified: 0 })) } }
}

/** Put together here, so that this repository holds nothing that looks like a secret. */
export const fakeSecret = ['gh', 'p_', 'Zk3vQ9xT7bLmN2pR5sWy8uHc4dJf6gKa1eXo'].join('')
