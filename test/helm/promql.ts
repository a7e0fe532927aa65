/** One condition of a selector: `label op "value"`. */
export interface Matcher {
  readonly label: string
  readonly op: string
  readonly value: string
}

/** One metric that an expression asks for, and the conditions. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
// A whole name that no parenthesis follows, which would make it a function.
const METRIC = /(?<![\w:$.])([a-zA-Z_:][\w:]*)(?![\w:]|\s*\()\s*(?:\{([^}]*)\})?/g
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g
const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'unless', 'offset', 'bool'])

/**
 * The selectors of a PromQL expression. It reads what we write ourselves: no braces inside strings, no metric name inside
 * braces. Whether the expression is PromQL at all is promtool's to say.
 */
export const selectorsOf = (expression: string): readonly Selector[] =>
  [...expression.replace(GROUPING, ' ').matchAll(METRIC)].flatMap(([, metric = '', conditions = '']) =>
    KEYWORDS.has(metric) ? [] : [{ metric, matchers: matchersIn(conditions) }],
  )

/** `label="value"` pairs: the inside of braces, in an expression or an exposition. */
export const matchersIn = (conditions: string): readonly Matcher[] =>
  [...conditions.matchAll(MATCHER)].map(([, label = '', op = '', value = '']) => ({ label, op, value }))

/** The labels that an expression groups or joins by. */
export const groupingOf = (expression: string): readonly string[] =>
  [...expression.matchAll(GROUPING)].flatMap(([, labels = '']) => labels.match(/\w+/g) ?? [])
