import { publicErrorText, type TaskResult, ToolError } from '@x/dag-executor'
import type { AgentContext } from '../agent.js'
import { collectFindings, type ScanFailure, type ScanFindings } from './findings.js'
import { evaluateRules, type Governance } from './governance.js'
import type { GovernanceRule } from './governance-rules.js'
import { listed } from './listed.js'
import { count, counted, pieces } from './markdown.js'
import type { Problem } from './problem.js'
import { failedSection, problemsSection, summarySection, titleSection } from './report-frame.js'
import { sections } from './report-sections.js'
import { type AnalysisName, analyses, type ScanOutputs } from './scan-plan.js'

/** What a scan ends with. */
export interface ScannerResult {
  /** The scanned directory, relative to the scan root. */
  readonly path: string
  /** The report in Markdown: what was written, put together. */
  readonly report: string
  readonly findings: ScanFindings
}

type TaskName = keyof ScanOutputs

const maxWarnings = 20
const maxResultBytes = 48 * 1_024
const listLengths = [20, 10, 5, 2, 0]

/**
 * One scan as its reader sees it: phases, warnings, and the report, section by section in the order in which the tasks
 * end. All that is said goes through one queue, so that it is said in the order in which it became known.
 */
export class ScanRun {
  readonly #path: string
  readonly #rules: readonly GovernanceRule[]
  readonly #context: AgentContext
  readonly #outputs: Partial<ScanOutputs> = {}
  readonly #failures: ScanFailure[] = []
  readonly #problems = new Map<string, Problem>()
  readonly #unreadable = new Set<string>()
  #report = ''
  #finished = 0
  #inventoryError: unknown
  #said: Promise<void> = Promise.resolve()

  constructor(path: string, rules: readonly GovernanceRule[], context: AgentContext) {
    this.#path = path
    this.#rules = rules
    this.#context = context
  }

  /** Says the beginning, before there is any task. */
  async start(): Promise<void> {
    await this.#context.status('inventory', 'started', { message: 'Listing the files' })
  }

  /** Takes a task's result; to be called for each as it ends. */
  taskCompleted(result: TaskResult): void {
    // The reason of a skipped task has been told already: it is another task that failed.
    if (!isTaskName(result.taskId) || result.status === 'skipped') return
    const name = result.taskId
    this.#say(() => this.#tell(name, result))
  }

  /** Says the rest. @throws ToolError where there was no inventory, so that there is nothing to report on. */
  async finish(): Promise<ScannerResult> {
    await this.#said
    const { inventory } = this.#outputs
    if (!inventory) {
      throw new ToolError('inventory_failed', publicErrorText(this.#inventoryError), { cause: this.#inventoryError })
    }
    const governance = this.#outputs.governance ?? (await this.#governWithoutTask())
    await this.#context.status('report', 'started', { message: 'Writing the end of the report' })
    if (this.#unreadable.size > maxWarnings) {
      const rest = counted(this.#unreadable.size - maxWarnings, 'more file')
      await this.#context.warn({ code: 'file_unreadable', message: `Cannot read ${rest}.` })
    }
    const problems = [...this.#problems.values()]
    await this.#write(problemsSection(listed(problems)))
    await this.#write(summarySection(governance))
    await this.#context.status('report', 'completed')
    const facts = { inventory, outputs: this.#outputs, governance, problems, failures: this.#failures }
    return this.#bounded((maxItems) => collectFindings(facts, maxItems))
  }

  async #tell(name: TaskName, result: TaskResult): Promise<void> {
    const failure = result.status === 'error' ? publicErrorText(result.cause) : undefined
    if (failure !== undefined) this.#failures.push({ tool: name, message: failure })
    else Object.assign(this.#outputs, { [name]: result.output })
    if (name === 'inventory') await this.#tellInventory(result)
    else if (name === 'governance') await this.#tellGovernance(failure)
    else await this.#tellAnalysis(name, failure)
  }

  async #tellInventory(result: TaskResult): Promise<void> {
    const { inventory } = this.#outputs
    if (!inventory) {
      this.#inventoryError = result.cause
      await this.#context.status('inventory', 'failed', { message: publicErrorText(result.cause) })
      return
    }
    await this.#context.status('inventory', 'completed', {
      message: `${count(inventory.files.length)} files`,
      progress: 1,
    })
    await this.#write(titleSection(this.#path))
    await this.#write(sections.inventory(inventory))
    await this.#warn(inventory.problems)
    await this.#context.status('analysis', 'started', { message: `${analyses.length} analyses`, progress: 0 })
  }

  async #tellAnalysis(name: AnalysisName, failure: string | undefined): Promise<void> {
    const output = this.#outputs[name]
    // Every section takes what its own task gives, which is what `name` says.
    const render = sections[name] as (output: never) => string
    await this.#write(failure === undefined ? render(output as never) : failedSection(name, failure))
    if (output && 'problems' in output) await this.#warn(output.problems)
    const progress = ++this.#finished / analyses.length
    const message = failure === undefined ? `Finished ${name}` : `Failed: ${name}`
    await this.#context.status('analysis', 'running', { message, progress })
    if (this.#finished < analyses.length) return
    await this.#context.status('analysis', 'completed', { progress: 1 })
    await this.#context.status('governance', 'started', { message: counted(this.#rules.length, 'rule') })
  }

  async #tellGovernance(failure: string | undefined): Promise<void> {
    const { governance } = this.#outputs
    await this.#write(governance ? sections.governance(governance) : failedSection('governance', failure ?? ''))
    await this.#context.status('governance', governance ? 'completed' : 'failed')
  }

  /** The task was skipped because an analysis failed; the rules that need others still have an answer. */
  async #governWithoutTask(): Promise<Governance> {
    const governance = evaluateRules(this.#rules, this.#outputs)
    if (this.#failures.some(({ tool }) => tool === 'governance')) return governance
    Object.assign(this.#outputs, { governance })
    await this.#tellGovernance(undefined)
    return governance
  }

  async #warn(problems: readonly Problem[]): Promise<void> {
    for (const problem of problems) {
      this.#problems.set(`${problem.code} ${problem.path}`, problem)
      if (problem.code !== 'unreadable' || this.#unreadable.has(problem.path)) continue
      this.#unreadable.add(problem.path)
      if (this.#unreadable.size > maxWarnings) continue
      await this.#context.warn({ code: 'file_unreadable', message: `Cannot read ${problem.path}.` })
    }
  }

  async #write(markdown: string): Promise<void> {
    for (const piece of pieces(markdown)) {
      this.#report += piece
      await this.#context.write(piece)
    }
  }

  /** Shortens the lists until the result is small enough for one event. */
  #bounded(findingsWith: (maxItems: number) => ScanFindings): ScannerResult {
    for (const maxItems of listLengths) {
      const result = { path: this.#path, report: this.#report, findings: findingsWith(maxItems) }
      if (maxItems === 0 || Buffer.byteLength(JSON.stringify(result)) <= maxResultBytes) return result
    }
    throw new RangeError('Unreachable: the last length is 0')
  }

  #say(step: () => Promise<void>): void {
    this.#said = this.#said.then(step)
    // Whoever waits for the end gets the failure; until then nobody waits.
    this.#said.catch(() => {})
  }
}

function isTaskName(id: string): id is TaskName {
  return Object.hasOwn(sections, id)
}
