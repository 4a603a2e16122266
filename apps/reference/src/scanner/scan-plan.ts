import type { DAGStructure } from '@x/dag-executor'
import type { Governance } from './governance.js'
import type { GovernanceRule } from './governance-rules.js'
import type { Inventory } from './inventory.js'
import type { Languages } from './language-totals.js'
import type { Imports, Licences, Manifests, NotableFiles, Secrets, Tests, Todos } from './scan-outputs.js'

/** The analyses between the inventory and the governance, and their outputs. */
export interface AnalysisOutputs {
  readonly languages: Languages
  readonly files: NotableFiles
  readonly manifests: Manifests
  readonly imports: Imports
  readonly licences: Licences
  readonly todos: Todos
  readonly secrets: Secrets
  readonly tests: Tests
}

/** The tasks of a scan, which have the names of their tools, and their outputs. */
export interface ScanOutputs extends AnalysisOutputs {
  readonly inventory: Inventory
  readonly governance: Governance
}

export type AnalysisName = keyof AnalysisOutputs

/** In the order in which they start. */
export const analyses: readonly AnalysisName[] = [
  'languages',
  'manifests',
  'files',
  'licences',
  'imports',
  'tests',
  'todos',
  'secrets',
]

/** The task graph of a scan: the inventory, then every analysis at once, then the governance of what they found. */
export function scanPlan(path: string, rules: readonly GovernanceRule[]): DAGStructure {
  const outputs = Object.fromEntries(analyses.map((name) => [name, { $ref: name }]))
  return {
    tasks: [
      { id: 'inventory', tool: 'inventory', arguments: { path } },
      ...analyses.map((name) => ({
        id: name,
        tool: name,
        arguments: { inventory: { $ref: 'inventory' } },
        dependsOn: ['inventory'],
      })),
      { id: 'governance', tool: 'governance', arguments: { rules, ...outputs }, dependsOn: analyses },
    ],
  }
}
