import { z } from 'zod'
import { schema } from './schema.ts'

/**
 * JSON Schema (draft 2020-12) of what can be written: durations as text, defaults shown, and `${NAME}` wherever a
 * value may come from the environment. For editors and charts; the rules that no schema can say are `check`'s alone.
 */
export const jsonSchema = (): object => {
  const written = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' })
  const { $schema, $defs, ...rest } = written
  return {
    $schema,
    ...withEnvironment(rest),
    $defs: {
      ...mapValues($defs ?? {}),
      Environment: { type: 'string', pattern: '\\$\\{', description: 'A value from the environment.' },
    },
  }
}

type Json = Record<string, unknown>

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The same schema, which takes a text with `${NAME}` wherever it took a value that such a text would not fit. */
const withEnvironment = (node: Json): Json => {
  const { anyOf, ...rest } = inside(node)
  if (Array.isArray(anyOf)) return { ...rest, anyOf: anyOf.some(takesText) ? anyOf : [...anyOf, environment] }
  if (takesText(rest) || !isValue(rest)) return rest
  const { description, default: fallback, ...leaf } = rest
  return {
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
    anyOf: [leaf, environment],
  }
}

const environment = { $ref: '#/$defs/Environment' }

/** What a node holds, with the environment in it. Members of a union stay as they are: the union takes the text. */
const inside = (node: Json): Json => {
  const copy: Json = {}
  for (const [key, value] of Object.entries(node)) {
    if (key === 'anyOf' && Array.isArray(value)) copy[key] = value.map((one) => (isJson(one) ? inside(one) : one))
    else if (key === 'properties' && isJson(value)) copy[key] = mapValues(value)
    else if ((key === 'items' || key === 'additionalProperties') && isJson(value)) copy[key] = withEnvironment(value)
    else copy[key] = value
  }
  return copy
}

const mapValues = (members: Json): Json =>
  Object.fromEntries(
    Object.entries(members).map(([name, one]) => [name, isJson(one) ? withEnvironment(one) : one] as const),
  )

/** Whether it takes the text `${NAME}` already. */
const takesText = (node: unknown): boolean => {
  if (!isJson(node)) return false
  const { type, pattern, enum: members, anyOf } = node
  if (Array.isArray(anyOf)) return anyOf.some(takesText)
  if (type !== 'string' || members !== undefined || 'const' in node) return false
  return typeof pattern !== 'string' || new RegExp(pattern).test('${NAME}')
}

/** Whether it is a value that can come from the environment; one that must not be changed yet is none. */
const isValue = (node: Json): boolean =>
  !('const' in node) && ['integer', 'number', 'boolean', 'string'].includes(String(node.type))
