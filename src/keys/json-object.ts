const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The JSON object that these bytes are, without a prototype; undefined for anything else: invalid UTF-8, a byte order
 * mark, an array, a scalar. Of a repeated member the last counts. The caller has bounded the size.
 */
export const readJsonObject = (bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return { __proto__: null, ...value }
  } catch {
    return undefined
  }
}
