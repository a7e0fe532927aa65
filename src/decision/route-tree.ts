import type { Route, RouteNode, TemplateRoutes } from './resource.ts'
import { segmentKey } from './segment-key.ts'
import type { RouteKey, Segment } from './template.ts'

/** Two routes that no rule orders; `second` is where a person should look. */
export interface RouteConflict {
  readonly first: number
  readonly second: number
  readonly message: string
}

/**
 * The tree that chooses a template by path alone: literal before `{name}` before `**`, segment by segment.
 *
 * @param routes in the order of the file; `Route.key` is what messages name
 */
export const compileRoutes = (
  routes: readonly { readonly key: RouteKey; readonly route: Route }[],
): { readonly tree: RouteNode; readonly conflicts: readonly RouteConflict[] } => {
  const conflicts: RouteConflict[] = []
  const root = growNode()
  routes.forEach(({ key, route }, index) => {
    const node = descend(root, key.segments)
    const slot = key.segments.at(-1)?.kind === 'rest' ? 'rest' : 'end'
    node[slot] ??= { template: key.template, parameters: parametersOf(key.segments), first: index, entries: [] }
    const grown = node[slot]
    if (!sameShape(grown.template, key.template)) {
      const other = routes[grown.first]?.route.key
      conflicts.push({
        first: grown.first,
        second: index,
        message: `cannot be told apart from \`${other}\`: the same path matches both, and neither is more specific`,
      })
      return
    }
    for (const entry of grown.entries) {
      const shared = sharedMethod(entry.key, key)
      if (shared === undefined) continue
      conflicts.push({
        first: entry.index,
        second: index,
        message: `${shared} is already answered by \`${entry.route.key}\``,
      })
      return
    }
    grown.entries.push({ index, key, route })
  })
  return { tree: freezeNode(root), conflicts }
}

/** The template for a path below the resource's base, chosen by path alone. */
export const findTemplate = (tree: RouteNode, segments: readonly string[]): TemplateRoutes | undefined =>
  search(tree, segments, 0)

/** The segments of a path below the base: none for `''` and `/`, and an empty last one for a trailing slash. */
export const splitSegments = (suffix: string): readonly string[] =>
  suffix.length <= 1 ? none : suffix.slice(1).split('/')

const none: readonly string[] = []

// Every node of the tree lies at one depth, so a search visits it once at the most: no path can make this explode.
const search = (node: RouteNode, segments: readonly string[], index: number): TemplateRoutes | undefined => {
  const segment = segments[index]
  if (segment === undefined) return node.end ?? node.rest
  const literal = node.literals.get(segmentKey(segment))
  const byLiteral = literal && search(literal, segments, index + 1)
  if (byLiteral) return byLiteral
  const byParameter = node.parameter && segment !== '' ? search(node.parameter, segments, index + 1) : undefined
  return byParameter ?? node.rest
}

// While the tree grows, its nodes are open; RouteNode is what they become.
interface GrowingNode {
  literals: Map<string, GrowingNode>
  parameter: GrowingNode | undefined
  end: GrowingTemplate | undefined
  rest: GrowingTemplate | undefined
}

interface GrowingTemplate {
  template: string
  parameters: TemplateRoutes['parameters']
  first: number
  entries: { index: number; key: RouteKey; route: Route }[]
}

const growNode = (): GrowingNode => ({ literals: new Map(), parameter: undefined, end: undefined, rest: undefined })

const descend = (root: GrowingNode, segments: readonly Segment[]): GrowingNode => {
  let node = root
  for (const segment of segments) {
    if (segment.kind === 'rest') return node
    node = segment.kind === 'literal' ? literalChild(node, segment.text) : parameterChild(node)
  }
  return node
}

const literalChild = (node: GrowingNode, text: string): GrowingNode => {
  const key = segmentKey(text)
  const child = node.literals.get(key) ?? growNode()
  node.literals.set(key, child)
  return child
}

const parameterChild = (node: GrowingNode): GrowingNode => {
  node.parameter ??= growNode()
  return node.parameter
}

const parametersOf = (segments: readonly Segment[]): TemplateRoutes['parameters'] =>
  segments.flatMap((segment, index) => (segment.kind === 'parameter' ? [{ name: segment.name, segment: index }] : []))

/** Two spellings of one shape: only the encoding of literals may differ, for the parameters of one template have one set of names. */
const sameShape = (one: string, other: string): boolean => literalKeyOf(one) === literalKeyOf(other)

const literalKeyOf = (template: string): string => template.split('/').map(segmentKey).join('/')

const sharedMethod = (one: RouteKey, other: RouteKey): string | undefined => {
  if (one.methods === undefined) return other.methods?.[0] ?? 'every method'
  if (other.methods === undefined) return one.methods[0]
  return other.methods.find((method) => one.methods?.includes(method))
}

// Most nodes have no children; ten thousand entries with ten routes each share one empty map.
const leaf: ReadonlyMap<string, RouteNode> = new Map()

const freezeNode = (node: GrowingNode): RouteNode => ({
  literals:
    node.literals.size === 0 ? leaf : new Map([...node.literals].map(([key, child]) => [key, freezeNode(child)])),
  parameter: node.parameter && freezeNode(node.parameter),
  end: node.end && freezeTemplate(node.end),
  rest: node.rest && freezeTemplate(node.rest),
})

const freezeTemplate = ({ template, parameters, entries }: GrowingTemplate): TemplateRoutes => {
  const byMethod = new Map(
    entries.flatMap(({ key, route }) => key.methods?.map((method) => [method, route] as const) ?? []),
  )
  const get = byMethod.get('GET')
  // HEAD follows GET unless a route lists it (RT-11).
  if (get && !byMethod.has('HEAD')) byMethod.set('HEAD', get)
  return {
    template,
    parameters,
    byMethod,
    anyMethod: entries.find(({ key }) => key.methods === undefined)?.route,
    allow: [...byMethod.keys()],
  }
}
