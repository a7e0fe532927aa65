/** What a credential seems to be. For a person to read; nothing of it is proven, and nothing may be decided by it. */
export interface InspectedToken {
  /** Three for a JWS, five for a JWE, other numbers for an opaque token; never above six. */
  readonly parts: number
  readonly header: Readonly<Record<string, unknown>> | undefined
  /** Undefined for an encrypted or opaque token, and for what is not JSON. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

/**
 * Looks into a token without proving anything, as leniently as it can, for `explain` and for saying what a refused token
 * comes near to. Never throws, and accepts much that `verify` refuses.
 */
export const inspect = (token: string): InspectedToken => {
  const parts = token.split('.', 6)
  const isCompact = parts.length === 3 || parts.length === 5
  return {
    parts: parts.length,
    header: isCompact ? peek(parts[0]) : undefined,
    claims: parts.length === 3 ? peek(parts[1]) : undefined,
  }
}

const peek = (part: string | undefined): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.assign(Object.create(null), value)
  } catch {
    // Not JSON: there is nothing to show.
    return undefined
  }
}
