import { readFileSync } from 'node:fs'
import { z } from 'zod'
import defaultRules from '../../governance.json' with { type: 'json' }
import { ScannerError } from './scanner-error.js'

const rule = <Name extends string, Shape extends z.ZodRawShape>(name: Name, parameters: Shape) =>
  z.strictObject({
    id: z.string().regex(/^[\w.-]{1,64}$/, 'Expected 1 to 64 letters, digits, dots, dashes or underscores'),
    rule: z.literal(name),
    /** Shown instead of the rule's own words. */
    description: z.string().min(1).max(200).optional(),
    ...parameters,
  })

const count = z.number().int().min(0)

export const governanceRule = z.discriminatedUnion('rule', [
  rule('no-import-cycle', {}),
  rule('no-package-cycle', {}),
  rule('licence-in-every-package', { includePrivate: z.boolean().optional() }),
  rule('max-file-lines', { max: count }),
  rule('max-file-bytes', { max: count }),
  rule('no-secrets', {}),
  rule('max-todos', { max: count }),
  rule('min-test-ratio', { min: z.number().min(0) }),
])

/** A rule with its parameters, as the rules file holds it. */
export type GovernanceRule = z.output<typeof governanceRule>

export const governanceRules = z
  .array(governanceRule)
  .max(30)
  .refine((rules) => new Set(rules.map(({ id }) => id)).size === rules.length, 'Expected every `id` once')

const rulesFile = z.strictObject({ rules: governanceRules })

/**
 * Reads a rules file: `{"rules": [{"id", "rule", …}]}`. Without a path, the rules that come with the scanner.
 *
 * @throws ScannerError `invalid_rules` in one line that says what is wrong and where.
 */
export function readGovernanceRules(path?: string): GovernanceRule[] {
  const content = path === undefined ? defaultRules : parseFile(path)
  const parsed = rulesFile.safeParse(content)
  if (parsed.success) return parsed.data.rules
  const faults = parsed.error.issues.map(({ path: place, message }) => `/${place.join('/')}: ${message}`)
  throw new ScannerError(
    'invalid_rules',
    `The governance rules in ${path ?? 'the package'} are invalid. ${faults.join('. ')}`,
  )
}

function parseFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new ScannerError('invalid_rules', `The governance rules in ${path} cannot be read as JSON`, { cause })
  }
}
