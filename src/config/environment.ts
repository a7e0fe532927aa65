/** The environment that `${NAME}` is replaced from; `process.env` fits. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface Expansion {
  /** The text with every `${…}` replaced; meaningless when there are faults. */
  readonly text: string
  /** What is wrong. Names variables, never their values. */
  readonly faults: readonly string[]
}

/**
 * Replaces `${NAME}` and `${NAME:-default}`. The default stands for an unset and for an empty variable, as in a shell.
 * A lone `$` stays. What was put in is not looked at again, so a value cannot name another variable.
 */
export const expand = (text: string, env: Environment): Expansion => {
  const faults: string[] = []
  const expanded = text.replace(/\$\{([^}]*)(\}?)/g, (_whole, body: string, close: string) => {
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(body) ?? []
    if (close === '') {
      faults.push('`${` without `}`')
      return ''
    }
    if (name === undefined || fallback?.includes('${')) {
      faults.push('what stands in `${…}` is neither `NAME` nor `NAME:-default`')
      return ''
    }
    // An own property only: `${constructor}` must not reach into a prototype.
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value === undefined) faults.push(`\`\${${name}}\` is not set in the environment, and no default is written`)
    return value ?? ''
  })
  return { text: expanded, faults }
}
