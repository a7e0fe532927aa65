import { exportJWK, generateKeyPair, type JWK } from 'jose'

export type PublicJwk = JWK & { readonly kty: string }

/** A fresh public key; RSA ones take a moment. */
export const publicJwk = async (alg: string, members: Record<string, unknown> = {}): Promise<PublicJwk> => {
  const { publicKey } = await generateKeyPair(alg, { extractable: true })
  return { ...((await exportJWK(publicKey)) as PublicJwk), ...members }
}

export const allAlgorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
