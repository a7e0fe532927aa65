/** One challenge of a `WWW-Authenticate` line. */
export interface Challenge {
  readonly scheme: string
  /** In order; names in lower case, values without their quotes. */
  readonly parameters: ReadonlyMap<string, string>
}

/**
 * Reads field lines that hold one challenge each, as strictly as RFC 9110 section 11.6.1 and RFC 6750 section 3 let one
 * write them: one space, then at least one parameter, all quoted, none twice. Throws on anything else.
 */
export const parseChallenges = (lines: readonly string[]): readonly Challenge[] => lines.map(parseChallenge)

/** The values of a field in a flat list of names and values. */
export const fieldLines = (headers: readonly string[], name: string): readonly string[] =>
  headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name.toLowerCase())

const parseChallenge = (line: string): Challenge => {
  const [, scheme = '', rest = ''] = /^([A-Za-z]+) (.+)$/.exec(line) ?? []
  if (scheme === '') throw new Error(`no challenge: ${line}`)
  const parameters = new Map<string, string>()
  const parameter = /([A-Za-z_]+)="((?:[^"\\]|\\["\\])*)"(?:, (?=[A-Za-z])|$)/y
  while (parameter.lastIndex < rest.length) {
    const [, name = '', value = ''] = parameter.exec(rest) ?? []
    if (name === '') throw new Error(`no parameter: ${line}`)
    const lower = name.toLowerCase()
    if (parameters.has(lower)) throw new Error(`${name} is there twice: ${line}`)
    parameters.set(lower, value.replace(/\\(.)/g, '$1'))
  }
  return { scheme, parameters }
}
