import type { ClaimRule, ClaimValue, Rule } from '../decision/resource.ts'
import type { RuleInput } from './entry-schema.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'

/** What the rules of one resource share. */
export interface RuleContext {
  readonly report: Report
  /** The resource's scopes, needed on every route. */
  readonly scopes: readonly string[]
  /** The resource's `sender_constrained`: holds on every route that needs a token. */
  readonly senderConstrained: boolean
  /** Rules that are alike are one object: 100,000 routes seldom have more than a few. */
  readonly shared: Map<string, Rule>
}

/** A rule that any token of the resource meets. */
export const noConditions: Extract<Rule, { kind: 'token' }> = {
  kind: 'token',
  scopes: [],
  anyScope: [],
  claims: [],
  authorizationDetails: undefined,
  acr: [],
  maxAgeSeconds: undefined,
  senderConstrained: false,
}

/**
 * Reads one rule.
 *
 * @param parameters names that the route's template binds; undefined: there is no template to bind any
 */
export const compileRule = (
  input: RuleInput,
  path: Path,
  parameters: readonly string[],
  { report, scopes, senderConstrained, shared }: RuleContext,
): Rule => {
  if (typeof input === 'string') {
    const word = wordRule(input)
    if (word !== 'authenticated' && word !== undefined) return word
    const own = word === 'authenticated' ? [] : readRuleScopes(input, path, report)
    return share(shared, { ...noConditions, scopes: merge(scopes, own), senderConstrained })
  }
  if (input.sender_constrained === false && senderConstrained) {
    report.problem([...path, 'sender_constrained'], 'the resource needs it on every route (`sender_constrained: true`)')
  }
  return {
    kind: 'token',
    scopes: merge(scopes, readScopes(input.scopes, [...path, 'scopes'], report)),
    anyScope: checkList(input.any_scope ?? [], [...path, 'any_scope'], report),
    claims: readClaims(input.claims, [...path, 'claims'], parameters, report),
    authorizationDetails: input.authorization_details && {
      type: input.authorization_details.type,
      actions: input.authorization_details.actions ?? [],
      locations: input.authorization_details.locations ?? [],
    },
    acr: readAcr(input.acr ?? [], [...path, 'acr'], report),
    maxAgeSeconds: readMaxAge(input.max_age, [...path, 'max_age'], report),
    senderConstrained: senderConstrained || input.sender_constrained === true,
  }
}

/** `scopes:` of a resource or a rule: a list, or a text that is split at spaces. */
export const readScopes = (
  input: string | readonly string[] | undefined,
  path: Path,
  report: Report,
): readonly string[] => {
  if (input === undefined) return []
  if (typeof input !== 'string') return checkList(input, path, report)
  const list = split(input)
  if (list.length === 0) report.problem(path, `\`${path.at(-1)}\` must not be empty`)
  const word = list.find((scope) => ruleWords.has(scope.toLowerCase()))
  if (word !== undefined) report.problem(path, `\`${word}\` is a rule, not a scope; as a scope write it in a list`)
  const fault = firstFault(list)
  if (fault !== undefined) report.problem(path, fault)
  return unique(list)
}

/** Scopes that a client cannot even ask for, in a list such as `scopes_supported`. */
export const checkList = (list: readonly string[], path: Path, report: Report): readonly string[] => {
  for (const [index, scope] of list.entries()) {
    const fault = scopeFault(scope)
    if (fault !== undefined) report.problem([...path, index], fault)
  }
  return unique(list)
}

const publicRule: Rule = { kind: 'public' }
const denyRule: Rule = { kind: 'deny' }
const ruleWords: ReadonlySet<string> = new Set(['public', 'authenticated', 'deny'])

const wordRule = (word: string): Rule | 'authenticated' | undefined => {
  if (word === 'public') return publicRule
  if (word === 'deny') return denyRule
  return word === 'authenticated' ? word : undefined
}

const readRuleScopes = (input: string, path: Path, report: Report): readonly string[] => {
  const list = split(input)
  if (list.length === 0) {
    report.problem(path, 'a rule must not be empty: write `authenticated` for any valid token, `public`, or `deny`')
  }
  const word = list.find((scope) => ruleWords.has(scope.toLowerCase()))
  if (word !== undefined) {
    report.problem(
      path,
      list.length === 1
        ? `rules are written in lower case: did you mean \`${word.toLowerCase()}\`?`
        : `\`${word}\` stands alone: a rule is one word, or scopes`,
    )
  }
  const fault = firstFault(list)
  if (fault !== undefined) report.problem(path, fault)
  return unique(list)
}

const split = (text: string): readonly string[] => text.split(' ').filter((scope) => scope !== '')

const firstFault = (list: readonly string[]): string | undefined =>
  list.map(scopeFault).find((fault) => fault !== undefined)

/** RFC 6749 section 3.3, BR-14: what lies outside could break out of a challenge. */
const scopeFault = (scope: string): string | undefined => {
  if (scope === '') return 'a scope must not be empty'
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) {
    return 'a scope holds a character that RFC 6749 section 3.3 does not allow (space, quote, backslash, non-ASCII)'
  }
  // Booleans of YAML 1.1: whoever writes `no` means `deny`, and YAML 1.2 reads the word.
  if (/^(?:no|yes|on|off|true|false|null|none|~)$/i.test(scope)) {
    return 'this is no scope: write `deny`, `public` or `authenticated`, or the name of a scope'
  }
  return undefined
}

/** RFC 9470 section 3: an integer of seconds. */
const readMaxAge = (milliseconds: number | undefined, path: Path, report: Report): number | undefined => {
  if (milliseconds === undefined) return undefined
  if (milliseconds % 1000 !== 0) report.problem(path, '`max_age` counts in whole seconds')
  return milliseconds / 1000
}

/** RFC 9470 section 3: a list separated by spaces, inside a quoted parameter of a challenge. */
const readAcr = (input: readonly string[], path: Path, report: Report): readonly string[] => {
  for (const [index, value] of input.entries()) {
    if (/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)) continue
    report.problem([...path, index], 'an `acr` value must be visible ASCII without spaces, quotes and backslashes')
  }
  return unique(input)
}

const readClaims = (
  input: Exclude<RuleInput, string>['claims'],
  path: Path,
  parameters: readonly string[],
  report: Report,
): readonly ClaimRule[] => {
  if (input === undefined) return []
  return Object.entries(input).map(([claim, value]) => {
    const at = [...path, claim]
    if (claim === '') report.problem(at, 'a claim must have a name', 'key')
    const oneOf = Array.isArray(value)
      ? value.map((one, index) => readClaimValue(one, [...at, index], parameters, report))
      : [readClaimValue(value, at, parameters, report)]
    return { claim, oneOf }
  })
}

const readClaimValue = (
  value: string | number | boolean,
  at: Path,
  parameters: readonly string[],
  report: Report,
): ClaimValue => {
  if (typeof value !== 'string' || !/[{}]/.test(value)) {
    // An empty segment binds nothing, so an empty value would only ever meet an empty claim.
    if (value === '') report.problem(at, 'the value of a claim must not be empty')
    return { kind: 'literal', value }
  }
  const name = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(value)?.[1]
  if (name === undefined) report.problem(at, 'a parameter stands alone in a value: `{name}`')
  else if (!parameters.includes(name)) report.problem(at, `the template of this route has no \`{${name}}\``)
  return { kind: 'parameter', name: name ?? '' }
}

const share = (shared: Map<string, Rule>, rule: Rule): Rule => {
  const key = JSON.stringify(rule)
  const known = shared.get(key)
  if (known) return known
  shared.set(key, rule)
  return rule
}

const merge = (one: readonly string[], other: readonly string[]): readonly string[] =>
  other.length === 0 ? one : unique([...one, ...other])

const unique = (list: readonly string[]): readonly string[] => (list.length < 2 ? list : [...new Set(list)])
