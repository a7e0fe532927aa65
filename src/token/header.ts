import type { Outcome } from '../decision/refusal.ts'
import { pass } from '../decision/refusal.ts'
import type { JsonObject } from './json.ts'
import { malformed } from './malformed.ts'
import { mediaType } from './media-type.ts'

/** The members of a JOSE header that Audgate looks at. `alg` and `typ` are judged at their own step, whatever they are. */
export interface JoseHeader {
  readonly alg: unknown
  readonly typ: unknown
  readonly kid: string | undefined
}

/** Characters; longer key identifiers exist in attacks only (JO-9). */
export const MAX_KID_LENGTH = 256

/**
 * Reads a JOSE header. Refuses with `token_malformed` what changes how the rest is to be read: `crit` in any form, since
 * we understand no extension (JO-11); `b64`, which jose ignores where `crit` is absent (JO-12); `cty` of a nested token
 * (JO-20); a `kid` that is no string or too long (JO-9). `jwk`, `jku`, `x5u`, `x5c` are not read: a token cannot bring
 * its own key, nor cause a request (JO-10).
 */
export const readHeader = (members: JsonObject): Outcome<JoseHeader> => {
  if ('crit' in members) return malformed('header: crit, and no extension is understood')
  if ('b64' in members) return malformed('header: b64')
  if ('cty' in members && !isPlainContent(members.cty)) return malformed('header: cty of a nested token')
  const { kid } = members
  if (kid !== undefined && typeof kid !== 'string') return malformed('header: kid is not a string')
  if (kid !== undefined && kid.length > MAX_KID_LENGTH) return malformed('header: kid is too long')
  return pass({ alg: members.alg, typ: members.typ, kid })
}

const isPlainContent = (cty: unknown): boolean => {
  if (typeof cty !== 'string') return false
  const type = mediaType(cty)
  return type !== 'application/jwt' && !type.endsWith('+jwt')
}
