import { z } from 'zod'

const maxPathLength = 4_096
const maxTime = 8.64e15

/** What the inventory tool takes. */
export const inventoryArguments = z.object({
  path: z.string().default('.').describe('The directory to scan, relative to the scan root.'),
})

const file = z.object({
  path: z.string().max(maxPathLength),
  bytes: z.number().int().min(0),
  modified: z.number().int().min(0).max(maxTime),
})

/** What the analyses take: the output of `inventory`, of which only this much is looked at. */
export function analysisArguments(maxFiles: number) {
  return z.object({
    inventory: z
      .object({ path: z.string().max(maxPathLength), files: z.array(file).max(maxFiles) })
      .describe('The whole output of `inventory`: {"$ref": "the id of its task"}.'),
  })
}
