import type { Grant } from '../decision/authorize.ts'
import { claimAt } from '../decision/claim-rule.ts'
import { detailsAt } from '../decision/scope-rule.ts'
import { scopesAt } from '../decision/token.ts'
import type { UpstreamOptions } from './options.ts'

/** What of a grant the identity fields are made of. */
type Granted = Pick<Grant, 'match' | 'token'>

/**
 * The identity fields of a request, names and values in turn. A claim (or member, by a path of names joined by dots)
 * that is absent, or no string, number, boolean or list of such, gives no field: the client's own copy was removed
 * before (FW-8). Nor does one whose value would be longer than 4096 characters: half a value is another value.
 */
export const identityHeaders = (headers: UpstreamOptions['identityHeaders'], granted: Granted): readonly string[] => {
  if (headers.length === 0) return none
  const out: string[] = []
  for (const { name, claim } of headers) {
    const value = claim === 'authorization_details' ? detailsText(granted) : claimText(read(granted, claim))
    if (value !== undefined && value !== '' && value.length <= longest) out.push(name, value)
  }
  return out
}

const none: readonly string[] = []
const longest = 4096

/** `scope` and `client_id` are what the profile read, wherever the issuer wrote them; `scope` is what counts here. */
const read = ({ match, token }: Granted, claim: string): unknown => {
  if (claim === 'scope') return scopesAt(token, match.resource.audiences).join(' ')
  if (claim === 'client_id') return token.client
  return claimAt(token.claims, claim)
}

/** The elements that may count here, as JSON in printable ASCII: any JSON reader reads the same (RA-4, FW-10). */
const detailsText = ({ match, token }: Granted): string | undefined => {
  const details = detailsAt(token, match.route.rule, match.resource)
  return details.length === 0 ? undefined : JSON.stringify(details).replace(/[^\x20-\x7e]/g, jsonEscape)
}

/** One UTF-16 code unit (RFC 8259 section 7); JSON.stringify has escaped the control characters below U+0020. */
const jsonEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

const claimText = (value: unknown): string | undefined => (Array.isArray(value) ? listText(value) : scalarText(value))

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
