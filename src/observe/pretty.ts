/**
 * A JSON log line as a line for a person at a terminal: time of day, level, message, then what is left as `key=value`.
 * A request leads with method, host, path, status and reason. For development: nothing parses it.
 */
export const prettyLine = (json: string): string => {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, unknown>
  const head = `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)}`
  if (msg !== 'request') return `${head} ${plain(msg)}${rest(fields)}\n`
  const { method, host, path, status, decision, reason, duration_ms, resource, route, ...others } = fields
  const verdict = reason === 'none' ? plain(decision) : plain(reason)
  const request = `${plain(method)} ${plain(host)}${plain(path)} ${plain(status)} ${verdict} ${plain(duration_ms)}ms`
  return `${head} ${request} ${plain(resource)} "${plain(route)}"${rest(others)}\n`
}

const rest = (fields: Record<string, unknown>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== '' && value !== null)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? JSON.stringify(plain(value)) : plain(value)}`)
    .join('')

/** Parsing the line has undone its escapes; a terminal must not see them (ANSI sequences). */
const plain = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
