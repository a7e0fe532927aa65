import type { PathPolicy, Resource, Route, Rule } from '../decision/resource.ts'
import { compileRoutes } from '../decision/route-tree.ts'
import { parameterNames, parseRouteKey, type RouteKey } from '../decision/template.ts'
import { compileRule, noConditions, type RuleContext } from './compile-rule.ts'
import type { EntryInput } from './entry-schema.ts'
import type { Path } from './tree.ts'

/** The part of a {@link Resource} that its rules make. */
export type CompiledRoutes = Pick<Resource, 'routes' | 'otherwise' | 'all'>

/** Compiles `routes` and `otherwise` of an entry; reports keys that cannot match and templates without an order. */
export const compileEntryRoutes = (
  entry: EntryInput,
  path: Path,
  paths: PathPolicy,
  context: RuleContext,
): CompiledRoutes => {
  const { report, scopes } = context
  if (entry.routes === undefined) {
    if (entry.otherwise !== undefined && !report.has([...path, 'routes'])) {
      report.problem([...path, 'otherwise'], '`otherwise` counts only beside `routes`', 'key')
    }
    const rule: Rule = { ...noConditions, scopes, senderConstrained: context.senderConstrained }
    const otherwise: Route = { index: 0, key: '_default', methods: undefined, rule }
    return { routes: undefined, otherwise, all: [otherwise] }
  }
  const written: { key: RouteKey; route: Route }[] = []
  for (const [text, input] of Object.entries(entry.routes)) {
    const at = [...path, 'routes', text]
    const key = parseRouteKey(text, paths)
    if (!key.ok) report.problem(at, key.fault, 'key')
    const rule = compileRule(input, at, key.ok ? parameterNames(key.value.segments) : [], context)
    if (!key.ok) continue
    const route: Route = { index: written.length, key: text, methods: key.value.methods, rule }
    written.push({ key: key.value, route })
  }
  const { tree, conflicts } = compileRoutes(written)
  for (const { second, message } of conflicts) {
    const route = written[second]
    if (route) report.problem([...path, 'routes', route.route.key], `\`${route.route.key}\`: ${message}`, 'key')
  }
  const otherwise: Route = {
    index: written.length,
    key: '_otherwise',
    methods: undefined,
    rule: compileRule(entry.otherwise ?? 'deny', [...path, 'otherwise'], [], context),
  }
  if (otherwise.rule.kind === 'public') {
    report.warn([...path, 'otherwise'], 'everything that no route names is public')
  }
  return { routes: tree, otherwise, all: [...written.map(({ route }) => route), otherwise] }
}
