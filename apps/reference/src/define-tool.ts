import { type Tool, type ToolContext, ToolError, type ValidateArguments } from '@x/dag-executor'
import { z } from 'zod'

const maxFaults = 5

/** The schema that a tool's JSON Schema was made from. */
const schemas = new WeakMap<object, z.ZodType>()

/**
 * A tool that checks its arguments itself, so that it is safe whatever executor runs it. The same schema tells callers
 * what to send.
 */
export function defineTool<Schema extends z.ZodType, Output>(
  description: string,
  schema: Schema,
  run: (args: z.output<Schema>, context: ToolContext) => Output | Promise<Output>,
  /** Whether arguments are known to be right, which saves their check. */
  isKnown: (args: unknown) => args is z.output<Schema> = (args): args is z.output<Schema> => false,
): Tool<unknown, Output> {
  const inputSchema = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' })
  schemas.set(inputSchema, schema)
  return {
    description,
    inputSchema,
    run: (args, context) => run(isKnown(args) ? args : checked(schema, args), context),
  }
}

/** Checks the arguments of a tool that `defineTool` made, for an executor; of another tool it says nothing. */
export const validateArguments: ValidateArguments = (inputSchema, args) =>
  (schemas.get(inputSchema)?.safeParse(args).error?.issues ?? [])
    .slice(0, maxFaults)
    .map(({ path, message }) => ({ pointer: pointer(path), message }))

function checked<Schema extends z.ZodType>(schema: Schema, args: unknown): z.output<Schema> {
  const parsed = schema.safeParse(args)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.slice(0, maxFaults).map(({ path, message }) => `${pointer(path)}: ${message}.`)
  throw new ToolError('invalid_arguments', `The arguments are not what the tool takes. ${faults.join(' ')}`)
}

/** JSON Pointer (RFC 6901) to a place in the arguments. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
