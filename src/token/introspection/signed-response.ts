import type { PostAnswer } from '../../keys/http-client.ts'
import { formOf, readCompact } from '../compact.ts'
import type { JsonObject } from '../json.ts'
import { mediaType } from '../media-type.ts'
import type { TrustedIssuer } from '../proof.ts'
import { checkSignature, checkSignatureAside, isSlowToCheck } from '../signature.ts'
import type { Response } from './response.ts'

export const signedResponseType = 'application/token-introspection+jwt'

/** How old a signed response may be: it is made for this very call. */
const oldestSeconds = 300

/**
 * Reads a signed response (RFC 9701): the media type and the `typ` of one, signed by this issuer, from it, made for us and
 * just now. Whatever else a server signs, an access token or a response to another, is none (IN-11). The members are those
 * of `token_introspection`; the claims around it say nothing about the token. Never rejects.
 *
 * @param now seconds since the epoch, after the response came
 */
export const readSignedResponse = async (
  answer: PostAnswer,
  { issuer, token: { algorithms, clockToleranceSeconds }, keys }: Pick<TrustedIssuer, 'issuer' | 'token' | 'keys'>,
  clientId: string,
  now: number,
): Promise<Response> => {
  if (answer.mediaType !== signedResponseType) return fault(`is not ${signedResponseType}`)
  const jwt = Buffer.from(answer.body).toString('latin1')
  if (formOf(jwt) !== 'signed') return fault('is not a signed JWT')
  const read = readCompact(jwt)
  if (!read.ok) return fault('is not a well-formed JWT')
  const { header, claims } = read.value
  const { typ, alg, kid } = header
  if (typeof typ !== 'string' || mediaType(typ) !== signedResponseType) return fault('has another typ')
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    return fault('is signed with an algorithm not accepted here')
  const key = await keys.resolve({ alg, kid }, now)
  if (!key.ok) {
    const { reason } = key.refusal
    return fault(reason === 'key_unknown' ? 'is signed with an unknown key' : `cannot be checked: ${reason}`)
  }
  const slow = isSlowToCheck(key.value)
  const proven = slow ? await checkSignatureAside(jwt, alg, key.value) : checkSignature(jwt, alg, key.value)
  if (!proven) return fault('has a signature that is wrong')
  const foreign = foreignFault(claims, issuer, clientId)
  if (foreign !== undefined) return fault(foreign)
  const { iat, token_introspection: members } = claims
  if (typeof iat !== 'number') return fault('has no iat')
  if (iat > now + clockToleranceSeconds) return fault('has an iat in the future')
  if (iat < now - oldestSeconds - clockToleranceSeconds) return fault('is old')
  if (!isObject(members)) return fault('has no token_introspection')
  return { ok: true, members: Object.assign(Object.create(null), members) }
}

/** Whether somebody else wrote it, or for somebody else. */
const foreignFault = ({ iss, aud }: JsonObject, issuer: string, clientId: string): string | undefined => {
  if (iss !== issuer) return 'is from another issuer'
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return audience.includes(clientId) ? undefined : 'is for another resource server'
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fault = (words: string): Response => ({ ok: false, fault: words })
