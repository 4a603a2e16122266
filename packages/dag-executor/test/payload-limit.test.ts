import { describe, expect, it } from 'vitest'
import { limitPayload } from '../src/index.js'

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

describe('limitPayload', () => {
  it('gives a value back as it is where its JSON text fits', () => {
    const value = { text: 'x'.repeat(200) }
    expect(limitPayload(value, { maxBytes: bytesOf(value) })).toBe(value)
    expect(limitPayload(value, { maxBytes: Number.POSITIVE_INFINITY })).toBe(value)
    expect(limitPayload(undefined, { maxBytes: 128 })).toBeUndefined()
  })

  it('§2.4 gives the truncated form of one byte more', () => {
    const value = 'x'.repeat(65_535)
    expect(limitPayload(value, { maxBytes: 65_536, ref: '/whole' })).toEqual({
      truncated: true,
      bytes: 65_537,
      preview: `"${'x'.repeat(1_023)}`,
      ref: '/whole',
    })
  })

  it.each(['a', '😀', '漢', '"', '\\', '\n', '\u0001', '\ud800', 'é😀'])(
    '§2.4 always fits, and never ends inside a surrogate pair (%j)',
    (unit) => {
      for (let maxBytes = 128; maxBytes < 400; maxBytes += 1) {
        const limited = limitPayload(unit.repeat(2_000), { maxBytes, ref: '/some/path' })
        expect(bytesOf(limited)).toBeLessThanOrEqual(maxBytes)
        const { preview } = limited as { preview: string }
        expect(preview).not.toMatch(/[\ud800-\udbff]$/)
        // No larger start of the text would have fitted: one more character is at most twelve bytes.
        expect(bytesOf(limited)).toBeGreaterThan(maxBytes - 13)
      }
    },
  )

  it('previews at most 1,024 UTF-16 units', () => {
    const { preview } = limitPayload('😀'.repeat(100_000), { maxBytes: 65_536 }) as { preview: string }
    expect(preview).toHaveLength(1_023)
  })

  it('gives up the preview before the ref, and the ref only where it does not fit without one', () => {
    const fits = 400 - bytesOf({ truncated: true, bytes: 2_002, preview: '', ref: '' })
    for (let length = 1; length <= 400; length += 1) {
      const ref = '/'.repeat(length)
      const limited = limitPayload('x'.repeat(2_000), { maxBytes: 400, ref })
      expect(bytesOf(limited)).toBeLessThanOrEqual(400)
      expect(limited).toMatchObject({ truncated: true, ref: length <= fits ? ref : null })
    }
  })

  it('leaves a ref out that would not fit by itself', () => {
    const limited = limitPayload('x'.repeat(200), { maxBytes: 128, ref: '/'.repeat(100) })
    expect(limited).toMatchObject({ truncated: true, ref: null })
    expect(bytesOf(limited)).toBeLessThanOrEqual(128)
  })

  it('has a preview for what has no JSON text, and no ref to it', () => {
    expect(limitPayload(1n, { maxBytes: 128, ref: '/whole' })).toEqual({
      truncated: true,
      bytes: 0,
      preview: '[bigint without a JSON text]',
      ref: null,
    })
  })

  it.each([127, 0, -1, 128.5, Number.NaN])('refuses a limit of %d bytes', (maxBytes) => {
    expect(() => limitPayload(1, { maxBytes })).toThrow(
      `Expected \`maxBytes\` to be an integer of at least 128, got ${maxBytes}`,
    )
  })
})
