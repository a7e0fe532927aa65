import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'

/** RS256 is always there because ID tokens default to it, ES256 so that every key set has two key types. */
const ALWAYS = ['RS256', 'ES256']

/** A private key with `kid` and `alg`. */
export interface SigningKey extends JWK {
  readonly kid: string
  readonly alg: string
}

/** Two generations of private keys: tokens are signed with the current one, both are published. */
export interface SigningKeys {
  readonly current: readonly SigningKey[]
  readonly previous: readonly SigningKey[]
}

/** New keys, one per algorithm; what was current stays published for one more generation. */
export const nextSigningKeys = async (
  algorithms: readonly string[],
  keys: SigningKeys | undefined,
): Promise<SigningKeys> => ({
  current: await Promise.all([...new Set([...ALWAYS, ...algorithms])].map(generateKey)),
  previous: keys?.current ?? [],
})

const generateKey = async (alg: string): Promise<SigningKey> => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) }
}

/** The JSON Web Key Set to publish: public members only, current keys first. */
export const publicKeys = (keys: SigningKeys): { readonly keys: readonly JWK[] } => ({
  keys: [...keys.current, ...keys.previous].map((key) =>
    Object.fromEntries(PUBLIC_MEMBERS.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]]))),
  ),
})

const PUBLIC_MEMBERS = ['kty', 'use', 'kid', 'alg', 'crv', 'e', 'n', 'x', 'y'] as const

/** Signs exactly those claims with the current key of that algorithm. Throws when there is no such key. */
export const signClaims = async (
  keys: SigningKeys,
  claims: Readonly<Record<string, unknown>>,
  { alg, typ }: { readonly alg: string; readonly typ: string | undefined },
): Promise<string> => {
  const key = keys.current.find((candidate) => candidate.alg === alg)
  if (key === undefined) throw new Error(`no signing key for ${alg}`)
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg, kid: key.kid, ...(typ === undefined ? {} : { typ }) })
    .sign(key)
}
