import type { Discipline, Group } from './discipline.js'
import { type Judgement, judge, pairs } from './judgement.js'
import type { Figures } from './run.js'
import { type Estimate, median, ratioOf, spread } from './statistics.js'

/** What was found, in the shape of `--json`. */
export interface Report {
  readonly discipline: string
  /** What it was found with: runtime, machine, versions. */
  readonly conditions: Readonly<Record<string, string>>
  readonly rounds: number
  readonly groups: readonly {
    readonly name: string
    readonly unit: string
    readonly cases: readonly {
      readonly name: string
      readonly contenders: Readonly<Record<string, { median: number; spread: number; figures: readonly number[] }>>
      readonly ratios: Readonly<Record<string, Estimate>>
    }[]
  }[]
  readonly budgets: readonly Judgement[]
}

export function report(
  discipline: Discipline,
  figures: readonly Figures[],
  { conditions, rounds }: Pick<Report, 'conditions' | 'rounds'>,
): Report {
  const ofGroup = ({ name, unit, ratios }: Group) => ({
    name,
    unit,
    cases: figures
      .filter(({ group }) => group === name)
      .map((entry) => ({
        name: entry.case,
        contenders: mapValues(entry.figures, (figures) => ({
          median: median(figures),
          spread: spread(figures),
          figures,
        })),
        ratios: Object.fromEntries(ratios.map((ratio) => [ratio.name, ratioOf(pairs(ratio, entry))])),
      })),
  })
  const groups = discipline.groups.map(ofGroup)
  return { discipline: discipline.title, conditions, rounds, groups, budgets: judge(discipline, figures) }
}

/** As tables in Markdown, which read well without being rendered too. */
export function render({ discipline, conditions, rounds, groups, budgets }: Report): string {
  const lines = [`# ${discipline}`, '', ...Object.entries(conditions).map(([name, value]) => `- ${name}: ${value}`)]
  lines.push(`- rounds: ${rounds}; median ± half the distance of the quartiles, ratio (95 % confidence interval)`)
  for (const { name, unit, cases } of groups) {
    const rows = cases.map(({ name, contenders, ratios }) => ({
      case: name,
      ...mapValues(contenders, ({ median, spread }) => `${figure(median)} ± ${figure(spread)}`),
      ...mapValues(ratios, ({ value, low, high }) => `${value.toFixed(2)} (${interval(low, high)})`),
    }))
    lines.push('', `## ${name} (${unit})`, '', ...table(rows))
  }
  const rows = budgets.map(({ group, ratio, of, must, gate, aim, case: name, estimate, verdict }) => ({
    budget: `${group}: ${ratio}, ${of === 'median' ? 'median' : 'each case'}`,
    gate: `${must === 'be at least' ? '≥' : '≤'} ${gate}`,
    aim: aim === undefined ? '' : `${aim}`,
    measured: `${estimate.value.toFixed(2)} (${interval(estimate.low, estimate.high)})`,
    verdict,
    'decided by': name ?? 'all',
  }))
  if (rows.length > 0) lines.push('', '## Budgets', '', ...table(rows))
  return `${lines.join('\n')}\n`
}

function table(rows: readonly Readonly<Record<string, string>>[]): string[] {
  const columns = Object.keys(rows[0] ?? {})
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join(' | ')} |`
  const rule = `|${widths.map((width, index) => (index === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(columns), rule, ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))]
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 })
}

function interval(low: number, high: number): string {
  return `${low.toFixed(2)}–${high === Infinity ? '∞' : high.toFixed(2)}`
}

function mapValues<V, R>(record: Readonly<Record<string, V>>, change: (value: V) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
