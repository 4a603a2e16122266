import { quote } from './dag-issue.js'
import { isName, maxNameBytes } from './name-limit.js'
import { checkCount } from './option-checks.js'
import type { JsonSchema, ToolFunction, ToolRegistry } from './tool.js'

/** A tool as the executor calls it. */
export interface TableTool {
  readonly run: ToolFunction<never>
  readonly inputSchema: JsonSchema | undefined
  readonly maxConcurrency: number
}

/** The tools by name. A Map has no prototype to fall through to. */
export type ToolTable = ReadonlyMap<string, TableTool>

/**
 * Takes the registry as it is now.
 *
 * @throws TypeError where a name or a tool is none.
 */
export function createToolTable(tools: ToolRegistry): ToolTable {
  if (typeof tools !== 'object' || tools === null) {
    throw new TypeError(`Expected \`tools\` to be an object of tools by name, got ${quote(tools)}`)
  }
  if (Symbol.iterator in tools) {
    const [got, instead] =
      tools instanceof Map ? ['a Map', 'Object.fromEntries(tools)'] : [quote(tools), '{ name: tool }']
    throw new TypeError(`Expected \`tools\` to be an object of tools by name, such as ${instead}, got ${got}`)
  }
  return new Map(Object.entries(tools).map(([name, tool]) => [name, readTool(name, tool)]))
}

function readTool(name: string, tool: ToolRegistry[string]): TableTool {
  if (!isName(name)) {
    throw new TypeError(`Expected a tool's name to be non-empty and at most ${maxNameBytes} bytes, got ${quote(name)}`)
  }
  if (typeof tool === 'function') return { run: tool, inputSchema: undefined, maxConcurrency: Number.POSITIVE_INFINITY }
  if (typeof tool !== 'object' || tool === null || typeof tool.run !== 'function') {
    throw new TypeError(`Expected tool ${quote(name)} to be a function or to have \`run\`, got ${quote(tool)}`)
  }
  return {
    // A tool may be an instance of a class: `run` keeps its `this`.
    run: (args, context) => tool.run(args, context),
    inputSchema: tool.inputSchema,
    maxConcurrency: checkCount(`maxConcurrency of tool ${name}`, tool.maxConcurrency ?? Number.POSITIVE_INFINITY),
  }
}
