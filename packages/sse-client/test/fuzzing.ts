/** How many random cases the laws take; a nightly run takes more. */
export const runs = Number(process.env.SSE_FUZZ_RUNS ?? 5_000)
/** A new one for every run, unless a run is to be repeated. */
export const seed = Number(process.env.SSE_FUZZ_SEED ?? Date.now() % 2 ** 31)
