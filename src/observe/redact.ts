const REDACTED = '[redacted]'

/** Members that hold a secret, whatever is in them; names of files and endpoints that deal in secrets do not. */
const secretName = /^(?:client_?)?(?:secret|password|passphrase|private_?key)$/i
/** Members of a JWK that are private (RFC 7518 section 6) or are the key itself (`k`). */
const privateMembers: ReadonlySet<string> = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])
/** Endpoints that the gateway itself asks: their query may hold an API key. An indicator's query is part of its name. */
const fetched: ReadonlySet<string> = new Set(['url', 'metadataUrl', 'jwksUri', 'endpoint'])
const query = /\?.*$/s
const userinfo = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i
const privatePem = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/

/**
 * A configuration as plain JSON data for `/config`, without what is secret: values under secret names, private parts of
 * keys, private PEM, userinfo in URLs, the query of URLs that are fetched. Maps and sets become objects and lists; functions are left out. It knows secrets
 * by name and shape: a secret written where none belongs, in a path say, stays.
 */
export const redact = (value: unknown): unknown => redacted(value, new Set())

const redacted = (value: unknown, above: Set<object>): unknown => {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return REDACTED
  if (above.has(value)) return '[circular]'
  above.add(value)
  const plain = Array.isArray(value)
    ? value.map((item) => redacted(item, above))
    : value instanceof Set
      ? [...value].map((item) => redacted(item, above))
      : redactMembers(value instanceof Map ? [...value] : Object.entries(value), above)
  above.delete(value)
  return plain
}

const redactMembers = (members: readonly (readonly [unknown, unknown])[], above: Set<object>): unknown => {
  const isKey = members.some(([name]) => name === 'kty')
  const kept = members.filter(([, value]) => value !== undefined && typeof value !== 'function')
  // Names come from a config file: `fromEntries` defines members, so that `__proto__` is one like any other.
  return Object.fromEntries(
    kept.map(([key, value]) => {
      const name = String(key)
      const secret = secretName.test(name) || (isKey && privateMembers.has(name))
      const plain = fetched.has(name) && typeof value === 'string' ? value.replace(query, `?${REDACTED}`) : value
      return [redactText(name), secret ? REDACTED : redacted(plain, above)]
    }),
  )
}

const redactText = (text: string): string => {
  if (privatePem.test(text)) return REDACTED
  return text.replace(userinfo, `$1${REDACTED}@`)
}
