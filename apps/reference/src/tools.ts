import { setTimeout as wait } from 'node:timers/promises'
import type { Tool, ToolRegistry } from '@x/dag-executor'
import { z } from 'zod'
import { defineTool } from './define-tool.js'

const sleepArguments = z.strictObject({
  ms: z.number().min(0).max(3_600_000).describe('How long to sleep, in milliseconds'),
})

/** Does nothing for a while: for trying out graphs. */
export const sleep: Tool = defineTool(
  'Sleeps for `ms` milliseconds and returns {"slept": ms}.',
  sleepArguments,
  async ({ ms }, { signal }) => {
    await wait(ms, undefined, { signal })
    return { slept: ms }
  },
)

/** The tools as `GET /api/v1/tools` lists them. */
export function describeTools(tools: ToolRegistry): { name: string; description: string; inputSchema: object }[] {
  return Object.entries(tools).map(([name, tool]) => ({
    name,
    description: (typeof tool === 'object' && tool.description) || '',
    inputSchema: (typeof tool === 'object' && tool.inputSchema) || {},
  }))
}
