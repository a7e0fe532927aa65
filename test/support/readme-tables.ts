import { metricFamilies } from '../../src/observe/families.ts'

/** The part of a JSON Schema node that the table of config keys is made of. */
interface SchemaNode {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, SchemaNode>>
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly oneOf?: readonly SchemaNode[]
}

/** One row for every config key that does something, in the order of the schema; `NAME` stands for a chosen name. */
export const configTable = (schema: SchemaNode): string => {
  const rows = new Map<string, string>()
  const definitions = schema.$defs ?? {}
  const visit = (node: SchemaNode, path: readonly string[], above: readonly string[]): void => {
    if (node.$ref !== undefined) {
      const name = node.$ref.split('/').at(-1) ?? ''
      const definition = definitions[name]
      if (definition && !above.includes(name)) visit(definition, path, [...above, name])
      return
    }
    for (const choice of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) visit(choice, path, above)
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const text = describe(child, definitions)
      if (/^Not supported yet/.test(text)) continue
      const name = [...path, key].join('.')
      if (text !== '' && !rows.has(name)) rows.set(name, `| \`${name}\` | ${defaultOf(child)} | ${text} |`)
      visit(child, [...path, key], above)
    }
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, [...path, 'NAME'], above)
    if (node.items) visit(node.items, path, above)
  }
  visit(schema, [], [])
  return ['| key | default | what it says |', '|---|---|---|', ...rows.values()].join('\n')
}

const describe = (node: SchemaNode, definitions: Readonly<Record<string, SchemaNode>>): string => {
  const text = node.description ?? (node.$ref && definitions[node.$ref.split('/').at(-1) ?? '']?.description) ?? ''
  return text.replaceAll('|', '\\|')
}

const defaultOf = (node: SchemaNode): string => {
  const { default: value } = node
  if (value === undefined || (typeof value === 'object' && JSON.stringify(value) === '{}')) return ''
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``
}

/** One row for every metric of our own. */
export const metricsTable = (): string => {
  const rows = metricFamilies.map(({ name, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(' ')
    return `| \`${name}\` | ${names} | ${help.replaceAll('|', '\\|')} |`
  })
  return ['| metric | labels | what it counts |', '|---|---|---|', ...rows].join('\n')
}
