import { z } from 'zod'
import { type GovernanceRule, governanceRules } from './governance-rules.js'

const total = z.number().int().min(0)
const listedOf = <Item extends z.ZodType>(item: Item) => z.object({ total, items: z.array(item).max(1_000).readonly() })
const path = z.string().max(4_096)
const cycles = listedOf(z.object({ path: z.array(path).max(1_000).readonly() }))

/** The arguments of the governance tool: as much of the other tools' outputs as the rules look at. */
export const governanceArguments = z.object({
  rules: governanceRules.optional(),
  imports: z.object({ cycles }).nullish(),
  manifests: z.object({ cycles }).nullish(),
  licences: z
    .object({ without: listedOf(z.object({ path, status: z.string().max(32), private: z.boolean() })) })
    .nullish(),
  languages: z.object({ longest: listedOf(z.object({ path, lines: z.number() })) }).nullish(),
  files: z.object({ largest: listedOf(z.object({ path, bytes: z.number() })) }).nullish(),
  secrets: z.object({ secrets: listedOf(z.object({ path, line: z.number(), kind: z.string().max(64) })) }).nullish(),
  todos: z.object({ comments: listedOf(z.object({ path, line: z.number() })) }).nullish(),
  tests: z.object({ ratio: z.number().nullable(), testLines: z.number(), sourceLines: z.number() }).nullish(),
})

export type GovernanceOutputs = Omit<z.output<typeof governanceArguments>, 'rules'>

/** What became of a rule. `unknown`: the analysis it needs has failed. */
export interface RuleResult {
  readonly id: string
  readonly rule: GovernanceRule['rule']
  readonly description: string
  readonly status: 'passed' | 'failed' | 'unknown'
  readonly passed: boolean
  /** What was counted, and the first places. */
  readonly evidence: string
}

export interface Governance {
  readonly passed: number
  readonly failed: number
  readonly unknown: number
  readonly rules: readonly RuleResult[]
}

interface Verdict {
  readonly passed: boolean
  readonly evidence: string
}

const maxExamples = 3
const maxEvidenceLength = 300

/** Holds every rule against what the analyses found. */
export function evaluateRules(rules: readonly GovernanceRule[], outputs: GovernanceOutputs): Governance {
  const results = rules.map((rule): RuleResult => {
    const verdict = judge(rule, outputs)
    return {
      id: rule.id,
      rule: rule.rule,
      description: rule.description ?? describe(rule),
      status: verdict === undefined ? 'unknown' : verdict.passed ? 'passed' : 'failed',
      passed: verdict?.passed ?? false,
      evidence: shortened(verdict?.evidence ?? 'The analysis that this rule needs has failed.'),
    }
  })
  const count = (status: RuleResult['status']): number => results.filter((result) => result.status === status).length
  return { passed: count('passed'), failed: count('failed'), unknown: count('unknown'), rules: results }
}

function judge(rule: GovernanceRule, outputs: GovernanceOutputs): Verdict | undefined {
  const { imports, manifests, licences, languages, files, secrets, todos, tests } = outputs
  switch (rule.rule) {
    case 'no-import-cycle':
      return imports ? noneOf(imports.cycles, 'cycle', 'cycles', (cycle) => cycle.path.join(' → ')) : undefined
    case 'no-package-cycle':
      return manifests ? noneOf(manifests.cycles, 'cycle', 'cycles', (cycle) => cycle.path.join(' → ')) : undefined
    case 'licence-in-every-package': {
      if (!licences) return undefined
      const { without } = licences
      const counted = rule.includePrivate === false ? without.items.filter((item) => !item.private) : without.items
      // Beyond the listed ones nobody knows which are private: they count.
      const missing = counted.length + without.total - without.items.length
      const text = (item: (typeof counted)[number]): string => `${item.path} (${item.status})`
      return noneOf({ total: missing, items: counted }, 'package without a licence', 'packages without a licence', text)
    }
    case 'max-file-lines':
      return languages ? noneOver(languages.longest, ({ lines }) => lines, rule.max, 'lines') : undefined
    case 'max-file-bytes':
      return files ? noneOver(files.largest, ({ bytes }) => bytes, rule.max, 'bytes') : undefined
    case 'no-secrets':
      return secrets
        ? noneOf(secrets.secrets, 'likely secret', 'likely secrets', (s) => `${s.path}:${s.line} (${s.kind})`)
        : undefined
    case 'max-todos':
      return todos
        ? {
            passed: todos.comments.total <= rule.max,
            evidence: `${todos.comments.total} found, ${rule.max} allowed`,
          }
        : undefined
    case 'min-test-ratio': {
      if (!tests) return undefined
      const lines = `${tests.testLines} test lines to ${tests.sourceLines} source lines`
      return tests.ratio === null
        ? { passed: true, evidence: 'There is no source code' }
        : { passed: tests.ratio >= rule.min, evidence: `${tests.ratio} (${lines}), wanted ${rule.min}` }
    }
    default:
      return rule satisfies never
  }
}

function describe(rule: GovernanceRule): string {
  switch (rule.rule) {
    case 'no-import-cycle':
      return 'No module imports itself, directly or through others'
    case 'no-package-cycle':
      return 'No package depends on itself, directly or through others'
    case 'licence-in-every-package':
      return rule.includePrivate === false
        ? 'Every public package names its licence'
        : 'Every package names its licence'
    case 'max-file-lines':
      return `No source file has more than ${rule.max} lines`
    case 'max-file-bytes':
      return `No file has more than ${rule.max} bytes`
    case 'no-secrets':
      return 'No file holds a likely secret'
    case 'max-todos':
      return `At most ${rule.max} TODO and FIXME comments`
    case 'min-test-ratio':
      return `At least ${rule.min} lines of test per line of source`
    default:
      return rule satisfies never
  }
}

function noneOf<T>(
  found: { readonly total: number; readonly items: readonly T[] },
  one: string,
  many: string,
  text: (item: T) => string,
): Verdict {
  if (found.total === 0) return { passed: true, evidence: `No ${one}` }
  const examples = found.items.slice(0, maxExamples).map(text)
  const more = found.total > examples.length && examples.length > 0 ? ', …' : ''
  return { passed: false, evidence: `${found.total} ${found.total === 1 ? one : many}: ${examples.join(', ')}${more}` }
}

function noneOver<T extends { readonly path: string }>(
  longest: { readonly total: number; readonly items: readonly T[] },
  size: (item: T) => number,
  max: number,
  unit: string,
): Verdict {
  const over = longest.items.filter((item) => size(item) > max)
  const [first] = longest.items
  if (over.length === 0) {
    return { passed: true, evidence: first ? `The largest has ${size(first)} ${unit}: ${first.path}` : 'No file' }
  }
  const atLeast = over.length === longest.items.length && longest.total > over.length ? 'At least ' : ''
  const examples = over.slice(0, maxExamples).map((item) => `${item.path} (${size(item)})`)
  const more = over.length > examples.length ? ', …' : ''
  return { passed: false, evidence: `${atLeast}${over.length} over ${max} ${unit}: ${examples.join(', ')}${more}` }
}

function shortened(text: string): string {
  return text.length > maxEvidenceLength ? `${text.slice(0, maxEvidenceLength - 1)}…` : text
}
