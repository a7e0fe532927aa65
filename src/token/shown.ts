const MAX_SHOWN = 256

/**
 * A member of a token as the operator's log and `explain` show it: a string as it is, cut at 256 characters; else the
 * JSON type in parentheses. For the members that are no secret (`iss`, `typ`, `alg`) only.
 */
export const shown = (value: unknown): string => {
  if (typeof value === 'string') return value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value
  if (value === undefined) return '(absent)'
  if (value === null) return '(null)'
  return Array.isArray(value) ? '(array)' : `(${typeof value})`
}
