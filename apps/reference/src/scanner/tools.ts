import { realpathSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { type ToolContext, ToolError, type ToolRegistry } from '@x/dag-executor'
import type { z } from 'zod'
import { defineTool } from '../define-tool.js'
import { AnalysisPool } from './analysis-pool.js'
import type { FileBatch } from './file-batch.js'
import { fromColumns, toColumns } from './file-columns.js'
import { git } from './git.js'
import { evaluateRules, type Governance, governanceArguments } from './governance.js'
import { readGovernanceRules } from './governance-rules.js'
import type { Inventory } from './inventory.js'
import { isObject } from './json-object.js'
import { type Languages, mergeLanguages } from './language-totals.js'
import { mergeSecrets, mergeTests, mergeTodos } from './merge-parts.js'
import { isLicenceText, isModule, isPackageJson, manifestKind } from './path-kinds.js'
import type { Imports, Licences, Manifests, NotableFiles, Secrets, Tests, Todos } from './scan-outputs.js'
import { resolveScanPath } from './scan-path.js'
import { ScannerError } from './scanner-error.js'
import { analysisArguments, inventoryArguments } from './tool-arguments.js'

export interface ScannerToolsOptions {
  /** Absolute path of a directory. Nothing outside of it is ever read. */
  readonly root: string
  /**
   * Worker threads, for all scans together.
   * @default one less than the processors, from 1 to 4
   */
  readonly maxThreads?: number | undefined
  /**
   * Files of one scan; the inventory of a larger directory is truncated and says so.
   * @default 50_000
   */
  readonly maxFiles?: number | undefined
  /**
   * The file that the worker threads run.
   * @default `scanner-worker.js` of the build
   */
  readonly workerFile?: URL | undefined
}

/** The scanner's tools, and the threads they work in. */
export interface ScannerTools {
  /** By the names under which a task graph calls them. */
  readonly tools: ToolRegistry
  /** Ends the worker threads; running tools fail. */
  close(): Promise<void>
}

/** Calls of one tool in one graph at a time. A scan makes one of each. */
const maxConcurrency = 4
const maxGitBytes = 16 * 2 ** 20
const listFiles = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--exclude=node_modules/']
const listChanges = ['log', '--format=%x01%ct', '--name-only', '-z', '--no-renames', '--relative', '--', '.']

/**
 * Makes the tools that analyse the files below `root`. Arguments are not trusted: whatever an `inventory` names, each
 * file is confined to the root at the moment it is read. Reading and computing are done in worker threads.
 *
 * @throws ScannerError `invalid_options`.
 */
export function scannerTools(options: ScannerToolsOptions): ScannerTools {
  const root = realRoot(options.root)
  const maxFiles = positiveInteger('maxFiles', options.maxFiles ?? 50_000)
  const { maxThreads, workerFile } = options
  if (maxThreads !== undefined) positiveInteger('maxThreads', maxThreads)
  const pool = new AnalysisPool({ maxThreads, workerFile })
  // The inventories that came from here need no check, which would be repeated by every analysis on the main thread.
  const own = new WeakSet<object>()
  const schema = analysisArguments(maxFiles)
  type Analysis = z.output<typeof schema>
  const isOwn = (args: unknown): args is Analysis =>
    isObject(args) && isObject(args.inventory) && own.has(args.inventory)
  const analysis = <Output>(description: string, run: (args: Analysis, context: ToolContext) => Promise<Output>) =>
    defineTool(
      description,
      schema,
      async (args, context) => {
        await pool.turn()
        return await run(args, context)
      },
      isOwn,
    )
  const batch = ({ inventory }: Analysis, wanted: (path: string) => boolean = () => true): FileBatch => ({
    root,
    paths: inventory.files.map(({ path }) => path).filter(wanted),
  })

  const tools = {
    inventory: defineTool(
      'Lists the files below a directory: those that git knows, or else those that no .gitignore excludes.',
      inventoryArguments,
      async (args, { signal, progress }): Promise<Inventory> => {
        const { path, absolute } = await directoryAt(root, args.path)
        const gitFiles = await git(absolute, listFiles, { signal, maxBytes: 2 * maxGitBytes })
        progress(0.5, gitFiles ? 'Git has listed the files' : 'Walking through the directory')
        const found = await pool.run('takeInventory', { root, path, gitFiles, maxFiles }, signal)
        const inventory: Inventory = { ...found, files: fromColumns(found.files) }
        own.add(inventory)
        return inventory
      },
    ),
    languages: analysis(
      'Counts files and lines by language, and finds the longest source files.',
      async (args, context): Promise<Languages> =>
        mergeLanguages(await pool.runBatches('countLanguages', batch(args), context)),
    ),
    files: analysis(
      'Finds the largest files, and those that were not changed for the longest time.',
      async ({ inventory }, { signal }): Promise<NotableFiles> => {
        const { path, absolute } = await directoryAt(root, inventory.path)
        const gitLog = await git(absolute, listChanges, { signal, maxBytes: maxGitBytes })
        return await pool.run('findNotableFiles', { root, path, files: toColumns(inventory.files), gitLog }, signal)
      },
    ),
    manifests: analysis(
      'Reads package manifests, and finds which of the packages depend on each other.',
      async (args, { signal }): Promise<Manifests> =>
        await pool.run(
          'readManifests',
          batch(args, (path) => manifestKind(path) !== undefined),
          signal,
        ),
    ),
    imports: analysis(
      'Builds the import graph of the JavaScript and TypeScript modules, and finds its cycles.',
      async (args, context): Promise<Imports> => {
        const parts = await pool.runBatches('readImports', batch(args, isModule), context)
        const files = batch(args).paths.join('\0')
        const modules = parts.map((part) => part.modules)
        const graph = await pool.run('buildImportGraph', { root, files, modules }, context.signal)
        return { ...graph, problems: parts.flatMap((part) => part.problems) }
      },
    ),
    licences: analysis(
      'Says under which licence each package is.',
      async (args, { signal }): Promise<Licences> =>
        await pool.run(
          'readLicences',
          batch(args, (path) => isPackageJson(path) || isLicenceText(path)),
          signal,
        ),
    ),
    todos: analysis(
      'Collects TODO and FIXME comments with their places.',
      async (args, context): Promise<Todos> => mergeTodos(await pool.runBatches('findTodos', batch(args), context)),
    ),
    secrets: analysis(
      'Finds likely secrets: file, line and kind, never the value.',
      async (args, context): Promise<Secrets> =>
        mergeSecrets(await pool.runBatches('findSecrets', batch(args), context)),
    ),
    tests: analysis(
      'Compares the lines of test code with the lines of source code.',
      async (args, context): Promise<Tests> =>
        mergeTests(await pool.runBatches('countTestLines', batch(args), context)),
    ),
    governance: defineTool(
      'Holds governance rules against the outputs of the other tools.',
      governanceArguments,
      ({ rules = readGovernanceRules(), ...outputs }): Governance => evaluateRules(rules, outputs),
    ),
  }
  const limited = Object.entries(tools).map(([name, tool]) => [name, { ...tool, maxConcurrency }])
  return { tools: Object.fromEntries(limited), close: () => pool.close() }
}

async function directoryAt(root: string, wanted: string): Promise<{ path: string; absolute: string }> {
  const found = await resolveScanPath(root, wanted)
  if (!found.ok) throw new ToolError(found.code, found.detail)
  return found
}

/** The directory itself, with no link on the way to it: what `confined-file.ts` compares with. */
export function realRoot(root: string): string {
  if (!isAbsolute(root))
    throw new ScannerError('invalid_options', `Expected \`root\` to be an absolute path, got ${root}`)
  try {
    const real = realpathSync.native(root)
    if (statSync(real).isDirectory()) return real
  } catch (cause) {
    throw new ScannerError('invalid_options', `Expected \`root\` to exist, got ${root}`, { cause })
  }
  throw new ScannerError('invalid_options', `Expected \`root\` to be a directory, got ${root}`)
}

function positiveInteger(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new ScannerError('invalid_options', `Expected \`${name}\` to be a positive integer, got ${value}`)
}
