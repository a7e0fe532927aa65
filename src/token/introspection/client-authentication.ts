import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { IntrospectionOptions } from '../options.ts'
import type { Credential, NoCredential } from './credential-file.ts'

/** How the gateway says who it is (RFC 6749 section 2.3, RFC 7523 section 2.2). */
export interface Authentication {
  readonly ok: true
  readonly headers: Readonly<Record<string, string>>
  readonly parameters: Readonly<Record<string, string>>
}

/** Makes the credentials of one request. Never rejects. */
export type Authenticate = (
  credential: Credential,
  now: number,
) => Authentication | Promise<Authentication | NoCredential>

/** Longer than any clocks differ would make a stolen assertion worth something. */
const assertionSeconds = 60

/**
 * The client authentication of the config.
 *
 * @param issuer the issuer identifier, the only audience of an assertion: with the URL of the endpoint, a server that
 *   names the endpoint of another one would get assertions that the other takes (IN-3)
 */
export const createAuthentication = (
  { clientId, auth, credentialFile }: IntrospectionOptions,
  issuer: string,
): Authenticate => {
  switch (auth) {
    case 'client_secret_basic':
      return ({ text }) => {
        // Encoded first, so that a colon or a non-ASCII character means what it says (RFC 6749 section 2.3.1).
        const pair = `${formEncoded(clientId)}:${formEncoded(text)}`
        const authorization = `Basic ${Buffer.from(pair).toString('base64')}`
        return { ok: true, headers: { authorization }, parameters: {} }
      }
    case 'client_secret_post':
      return ({ text }) => ({ ok: true, headers: {}, parameters: { client_id: clientId, client_secret: text } })
    case 'private_key_jwt':
      return privateKeyJwt(clientId, issuer, credentialFile)
  }
}

const privateKeyJwt = (clientId: string, issuer: string, file: string): Authenticate => {
  let parsed: { readonly from: Credential; readonly key: SigningKey | undefined } | undefined

  return async (credential, now) => {
    if (parsed?.from !== credential) parsed = { from: credential, key: readSigningKey(credential.text) }
    const { key } = parsed
    if (key === undefined) return { ok: false, fault: `${file}: is no private key in JWK or PEM form` }
    try {
      const iat = Math.floor(now)
      const assertion = await new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: key.alg, ...(key.kid === undefined ? {} : { kid: key.kid }) })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(issuer)
        .setIssuedAt(iat)
        .setExpirationTime(iat + assertionSeconds)
        .sign(key.key)
      return {
        ok: true,
        headers: {},
        parameters: {
          client_id: clientId,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        },
      }
    } catch {
      // What jose says may quote the key.
      return { ok: false, fault: `${file}: the key cannot sign with ${key.alg}` }
    }
  }
}

interface SigningKey {
  readonly key: KeyObject
  readonly alg: string
  readonly kid: string | undefined
}

const readSigningKey = (text: string): SigningKey | undefined => {
  try {
    const jwk = text.trimStart().startsWith('{') ? JSON.parse(text) : undefined
    const key = createPrivateKey(jwk === undefined ? text : { key: jwk, format: 'jwk' })
    const alg = typeof jwk?.alg === 'string' ? jwk.alg : algorithmOf(key)
    return alg === undefined ? undefined : { key, alg, kid: typeof jwk?.kid === 'string' ? jwk.kid : undefined }
  } catch {
    return undefined
  }
}

const curveAlgorithms: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

/** The algorithm for a key that names none: for RSA the one that every server takes. */
const algorithmOf = ({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined => {
  switch (type) {
    case 'rsa':
      return 'RS256'
    case 'rsa-pss':
      return 'PS256'
    case 'ed25519':
      return 'EdDSA'
    case 'ec':
      return curveAlgorithms[details?.namedCurve ?? '']
    default:
      return undefined
  }
}

const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
