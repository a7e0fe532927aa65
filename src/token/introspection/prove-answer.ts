import type { Outcome, Refusal } from '../../decision/refusal.ts'
import { pass, refuse } from '../../decision/refusal.ts'
import type { Confirmation, VerifiedToken } from '../../decision/token.ts'
import type { JsonObject } from '../json.ts'
import { mediaType } from '../media-type.ts'
import type { TokenOptions } from '../options.ts'
import { profileOf } from '../profile/index.ts'
import { isForeignType } from '../profile/kind.ts'
import type { Profile } from '../profile/profile.ts'
import type { Proof, TrustedIssuer } from '../proof.ts'
import { proveClaims } from '../prove-claims.ts'
import { spaceSeparated } from '../scopes.ts'
import { shown } from '../shown.ts'
import { pauseMs } from './gate.ts'

/** Says that the issuer gave no answer that could be used: not the client's fault, and no reason to let it in (IN-9). */
export const unavailable = (issuer: string, fault: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse({ reason: 'introspection_unavailable', issuer, fault, retryAfterSeconds: pauseMs / 1000 })

/** How long a token may be taken to live of which the issuer does not say it, where answers are not kept at all. */
const shortestLifeSeconds = 1

/**
 * Judges what an issuer says of an active token as the claims of a JWT of that issuer (IN-5): `iss`, kind, dates, types.
 * A member of the wrong type makes the whole answer useless, and that is the issuer's fault. RFC 7662 section 2.2 makes
 * every member optional: an answer without `iss` is this issuer's word all the same; without `aud` the audience is empty,
 * which never passes; without `exp` the token is taken to live as long as the answer counts. Not looked at: for whom it is.
 *
 * @param askedAt when the issuer was asked; what is kept ends `cacheMs` later, and never after `exp` (IN-6)
 * @param generation as for {@link proveClaims}
 */
export const proveAnswer = (
  trusted: TrustedIssuer,
  cacheMs: number,
  members: JsonObject,
  askedAt: number,
  now: number,
  generation: number,
): Outcome<Proof> => {
  const { name, issuer, token } = trusted
  const useless = (fault: string) => unavailable(name, `the answer is useless: ${fault}`)
  const { iss, aud, token_type: type } = members
  if ('iss' in members && typeof iss !== 'string') return useless('iss is not a string')
  if (typeof iss === 'string' && iss !== issuer) {
    const audience = typeof aud === 'string' ? [aud] : []
    return refuse({ reason: 'issuer_untrusted', expected: [issuer], got: shown(iss), audience })
  }
  if ('token_type' in members && typeof type !== 'string') return useless('token_type is not a string')
  const kind = foreignKind(members)
  if (kind !== undefined) return refuse({ reason: 'token_type_wrong', expected: 'an access token', got: shown(kind) })

  const freshUntil = askedAt + cacheMs / 1000
  const assumed = Math.max(freshUntil, askedAt + shortestLifeSeconds)
  const claims: JsonObject = 'exp' in members ? members : Object.assign(Object.create(null), members, { exp: assumed })
  const proven = proveClaims(trusted, claims, introspected(token), now, generation)
  if (!proven.ok) return proven.refusal.reason === 'token_malformed' ? useless(proven.refusal.fault) : proven
  const { outcome, lifetime } = proven.value
  const value: VerifiedToken = {
    ...outcome.value,
    claims: members,
    confirmation: confirmationOf(type, outcome.value.confirmation),
  }
  const endsAt = Math.min(value.expiresAt, lifetime.endsAt, freshUntil)
  const claimsLength = JSON.stringify(members).length
  return pass({ outcome: { ok: true, value }, lifetime: { ...lifetime, endsAt }, generation, claimsLength })
}

/**
 * The profile of an issuer for what it says by introspection: nothing is required, and unless the operator named other
 * members, `scope` and `client_id` of RFC 7662 count beside those that this vendor writes into JWTs.
 */
const introspected = (options: TokenOptions): Profile => {
  const profile = profileOf(options)
  const { scope, clientId } = options.claims
  const scopes = profile.scopes.some(({ claim }) => claim === 'scope') || scope !== undefined
  const client = profile.client.includes('client_id') || clientId !== undefined
  return {
    ...profile,
    required: [],
    clientRequired: false,
    scopes: scopes ? profile.scopes : [...profile.scopes, { claim: 'scope', read: spaceSeparated }],
    client: client ? profile.client : [...profile.client, 'client_id'],
  }
}

/** Schemes under which a token is sent, and what servers write there that mean the same. */
const accessTypes: ReadonlySet<string> = new Set(['bearer', 'dpop', 'access_token'])

/**
 * What this is instead of an access token, or undefined. An issuer calls its refresh tokens active too, and a type that we
 * do not know may ask for a proof that we do not make (AT-21, CN-1).
 */
const foreignKind = ({ token_type: type, token_use: use, typ }: JsonObject): string | undefined => {
  if (typeof type === 'string' && !accessTypes.has(type.toLowerCase())) return type
  return [use, typ].filter((word) => typeof word === 'string').find((word) => isForeignType(mediaType(word)))
}

/** A token that must be sent with a proof of a key which the answer does not name must not pass for that (IN-7, CN-1). */
const confirmationOf = (type: unknown, confirmation: Confirmation | undefined): Confirmation | undefined => {
  const needsProof = typeof type === 'string' && type.toLowerCase() === 'dpop'
  if (!needsProof || confirmation?.jkt !== undefined) return confirmation
  return { methods: [...(confirmation?.methods ?? []), 'token_type DPoP'], jkt: undefined, certificate: undefined }
}
