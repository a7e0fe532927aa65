import { claimOf, type VerifiedToken } from '../decision/token.ts'
import type { UpstreamOptions } from './options.ts'

/**
 * The identity fields of a request, names and values in turn. A claim that is absent, or no string, number, boolean or
 * list of such, gives no field: the client's own copy was removed before (FW-8).
 */
export const identityHeaders = (
  headers: UpstreamOptions['identityHeaders'],
  token: VerifiedToken,
): readonly string[] => {
  if (headers.length === 0) return none
  const out: string[] = []
  for (const { name, claim } of headers) {
    const value = fieldValue(read(token, claim))
    if (value !== undefined) out.push(name, value)
  }
  return out
}

const none: readonly string[] = []
const longest = 4096

/** `scope` and `client_id` are what the profile read, wherever the issuer wrote them. */
const read = (token: VerifiedToken, claim: string): unknown => {
  if (claim === 'scope') return token.scopes.join(' ')
  if (claim === 'client_id') return token.client
  return claimOf(token, claim)
}

const fieldValue = (value: unknown): string | undefined => {
  const text = Array.isArray(value) ? listText(value) : scalarText(value)
  return text === undefined || text === '' || text.length > longest ? undefined : text
}

const scalarText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? encode(String(value))
    : undefined

/** Members are separated by commas; a comma inside one is percent-encoded. */
const listText = (values: readonly unknown[]): string | undefined => {
  const texts = values.map((value) => scalarText(value)?.replaceAll(',', '%2C'))
  return texts.every((text) => text !== undefined) ? texts.join(',') : undefined
}

/**
 * Visible ASCII but `%`, and single inner spaces, stay as they are; everything else becomes percent-encoded UTF-8: one
 * line, no control characters, no latin1 truncation (FW-10, H1-26).
 */
const encode = (text: string): string => {
  const encoded = text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent)
  return encoded.replace(/^ +| +$/g, (spaces) => '%20'.repeat(spaces.length))
}
