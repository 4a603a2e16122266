import { describe, expect, it } from 'vitest'
import { disciplines } from '../src/disciplines.js'

/** Enough for some chunks of every case. */
const scale = 0.02

const contenders = Object.entries(disciplines).flatMap(([discipline, { groups }]) =>
  groups.flatMap((group) =>
    group.cases.flatMap((entry) =>
      Object.entries(entry.contenders).map(([name, contender]) => ({
        name: `${discipline} / ${group.name} / ${entry.name} / ${name}`,
        contender,
      })),
    ),
  ),
)

it.each(contenders)('$name produces what its case asks for, in each pass', async ({ contender }) => {
  const workload = await contender(scale)
  try {
    await workload.check()
    expect(await workload.pass()).toBe(workload.expected)
    expect(await workload.pass()).toBe(workload.expected)
  } finally {
    workload.close?.()
  }
})

const groups = Object.values(disciplines).flatMap(({ groups }) => groups)

describe.each(groups)('the group $name', ({ cases, ratios }) => {
  it('has the same contenders in every case, and compares no others', () => {
    const names = Object.keys(cases[0]!.contenders)
    for (const { contenders } of cases) expect(Object.keys(contenders)).toEqual(names)
    for (const { dividend, divisor } of ratios) {
      const compared = typeof divisor === 'number' ? [dividend] : [dividend, divisor]
      expect(names).toEqual(expect.arrayContaining(compared))
    }
  })

  it('has a name of its own for each case and each ratio', () => {
    for (const named of [cases, ratios]) expect(new Set(named.map(({ name }) => name)).size).toBe(named.length)
  })
})
