/**
 * Formats instants as RFC 3339 in UTC with milliseconds. Keeps the text of the last second: the date is computed once a
 * second and not once a line.
 */
export const createTimestamps = (): ((epochMs: number) => string) => {
  let second = Number.NaN
  let prefix = ''
  return (epochMs) => {
    const now = Math.floor(epochMs / 1000)
    if (now !== second) {
      second = now
      prefix = new Date(now * 1000).toISOString().slice(0, 20)
    }
    const rest = Math.floor(epochMs) - now * 1000
    return `${prefix}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
  }
}
