/**
 * How many random schedules each law is tried on: `SSE_FUZZ_RUNS`, by default 300. `SSE_FUZZ_SEED` repeats a run.
 */
export const runs = number('SSE_FUZZ_RUNS', 300)

export const seed = number('SSE_FUZZ_SEED', Math.floor(Math.random() * 2 ** 31))

function number(variable: string, otherwise: number): number {
  const value = Number(process.env[variable] || otherwise)
  if (!Number.isSafeInteger(value))
    throw new Error(`Expected ${variable} to be an integer, got ${process.env[variable]}`)
  return value
}
