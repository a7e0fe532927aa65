/** The known key that a misspelt one most likely meant, or undefined when none is near. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const wanted = word.toLowerCase().replaceAll('-', '_')
  // `client_secret`: what is secret is never in the config itself, only the name of its file.
  const inFile = `${wanted}_file`
  if (known.includes(inFile) && !known.includes(wanted)) return inFile
  // Half a word away is another word.
  let limit = Math.min(3, Math.floor(wanted.length / 2)) + 1
  let found: string | undefined
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate, limit)
    if (distance >= limit) continue
    limit = distance
    found = candidate
  }
  return found
}

/** Levenshtein distance, or `limit` when it is not below that. */
const editDistance = (one: string, other: string, limit: number): number => {
  if (Math.abs(one.length - other.length) >= limit) return limit
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const current = [i]
    for (let j = 1; j <= other.length; j++) {
      const replace = (previous[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      current.push(Math.min(replace, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return Math.min(previous[other.length] ?? limit, limit)
}
