import { parseArgs } from 'node:util'
import type { Budget, Discipline } from './discipline.js'

/** A fault of the person who gave the command: told in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Command {
  readonly name: string
  /** Only what the words ask for. */
  readonly discipline: Discipline
  readonly quick: boolean
  readonly json: boolean
  readonly check: boolean
}

/** @returns `help` where that is asked for. @throws UsageError where an option, a discipline or a case is not known. */
export function readCommand(
  words: readonly string[],
  disciplines: Readonly<Record<string, Discipline>>,
): Command | 'help' {
  const { values, positionals } = parse(words)
  if (values.help) return 'help'
  const [name, ...filter] = positionals
  const known = Object.keys(disciplines).join(', ')
  if (name === undefined) throw new UsageError(`Expected a discipline (${known}); see --help`)
  if (!Object.hasOwn(disciplines, name)) {
    throw new UsageError(`Expected a discipline (${known}), got ${JSON.stringify(name)}; see --help`)
  }
  const discipline = select(disciplines[name]!, filter)
  if (discipline.groups.length === 0) {
    throw new UsageError(
      `No case of ${name} has ${filter.map((word) => JSON.stringify(word)).join(' and ')} in its name`,
    )
  }
  return { name, discipline, quick: values.quick, json: values.json, check: values.check }
}

function parse(words: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { quick: flag, json: flag, check: flag, help: { ...flag, short: 'h' } },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}; see --help`)
  }
}

/** The cases whose name, with that of their group, has every one of these words in it. */
function select(discipline: Discipline, words: readonly string[]): Discipline {
  const groups = discipline.groups.map((group) => {
    const cases = group.cases.filter(({ name }) =>
      words.every((word) => `${group.name} / ${name}`.toLowerCase().includes(word.toLowerCase())),
    )
    // A budget for the median over all cases says nothing about the median over some.
    const judged = (of: Budget['of']) => of === 'each' || cases.length === group.cases.length
    const ratios = group.ratios.map((ratio) => ({ ...ratio, budgets: ratio.budgets.filter(({ of }) => judged(of)) }))
    return { ...group, cases, ratios }
  })
  return { ...discipline, groups: groups.filter(({ cases }) => cases.length > 0) }
}
