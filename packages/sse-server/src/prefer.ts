const wait = /^wait\s*=\s*(?:([0-9]+)|"([0-9]+)")\s*(?:;|$)/i

/** The seconds of `wait` in a `Prefer` header (RFC 7240 §4.3); 0 where there is none or it cannot be read. The first one counts. */
export function preferredWait(prefer: string | undefined): number {
  for (const preference of prefer?.split(',') ?? []) {
    const text = preference.trim()
    if (!/^wait\s*(?:[=;]|$)/i.test(text)) continue
    const match = wait.exec(text)
    return Number(match?.[1] ?? match?.[2] ?? 0)
  }
  return 0
}
