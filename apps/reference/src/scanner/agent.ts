import type { ToolRegistry } from '@x/dag-executor'
import { z } from 'zod'
import { type Agent, InputError, type InputFault } from '../agent.js'
import { pointer } from '../define-tool.js'
import { readGovernanceRules } from './governance-rules.js'
import { resolveScanPath } from './scan-path.js'
import { scanPlan } from './scan-plan.js'
import { type ScannerResult, ScanRun } from './scan-run.js'
import { realRoot } from './tools.js'

export interface ScannerInput {
  /** The directory to scan, relative to the scan root, `/` between segments. */
  readonly path: string
}

export interface ScannerAgentOptions {
  /** Absolute path of a directory: that of the tools. */
  readonly root: string
  /** The tools of `scannerTools`. */
  readonly tools: ToolRegistry
  /**
   * A JSON file with governance rules.
   * @default the rules that come with the scanner
   */
  readonly rulesPath?: string | undefined
}

const maxUnknown = 10
const maxKeyLength = 64

const inputSchema = z.strictObject({ path: z.string().default('.') }).default({ path: '.' })

/**
 * An agent that scans a directory below `root` and reports on it in Markdown, while it works.
 *
 * @throws ScannerError `invalid_options`, and `invalid_rules` where the rules file is not what it must be.
 */
export function scannerAgent(options: ScannerAgentOptions): Agent<ScannerInput, ScannerResult> {
  const root = realRoot(options.root)
  const rules = readGovernanceRules(options.rulesPath)
  return {
    name: 'scanner',
    description: 'Scans a directory of source code and reports on it in Markdown while it works.',
    async parse(input) {
      const parsed = inputSchema.safeParse(input)
      if (!parsed.success) throw new InputError(parsed.error.issues.flatMap(faultsOf))
      const found = await resolveScanPath(root, parsed.data.path)
      if (!found.ok) throw new InputError([{ code: found.code, detail: found.detail, pointer: '/path' }])
      return { path: found.path }
    },
    async run({ path }, context) {
      const scan = new ScanRun(path, rules, context)
      await scan.start()
      await context.execute(scanPlan(path, rules), options.tools, (result) => scan.taskCompleted(result))
      // A cancelled scan has no end worth writing.
      context.signal.throwIfAborted()
      return await scan.finish()
    },
  }
}

function faultsOf(issue: z.core.$ZodIssue): InputFault[] {
  if (issue.code !== 'unrecognized_keys') {
    return [{ code: 'invalid_input', detail: `${issue.message}.`, pointer: pointer(issue.path) }]
  }
  return issue.keys.slice(0, maxUnknown).map((key) => ({
    code: 'unknown_member',
    detail: 'The scanner takes `path` and nothing else.',
    pointer: pointer([...issue.path, key.slice(0, maxKeyLength)]),
  }))
}
