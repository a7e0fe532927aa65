import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Read } from './fixed.ts'
import { readRegularFile } from './regular-file.ts'

const block = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g

/**
 * The public keys in a PEM file: SPKI (`PUBLIC KEY`) and the keys of X.509 certificates. A certificate is a wrapping
 * here: its dates, its issuer and its names are not checked. Several keys of one type are allowed and useless: a PEM key
 * has no `kid`, and of two that fit none is tried (AS-13). A private key is refused with the whole file.
 */
export const readPemFile = async (file: string): Promise<Read> => {
  const content = await readRegularFile(file)
  if (!content.ok) return content
  const keys: unknown[] = []
  for (const [pem, label = ''] of Buffer.from(content.bytes).toString('latin1').matchAll(block)) {
    if (label.endsWith('PRIVATE KEY'))
      return { ok: false, fault: `${file}: has a private key, and a public one is wanted` }
    const jwk = publicJwk(pem, label)
    if (jwk === undefined) return { ok: false, fault: `${file}: has a ${label} block that cannot be used` }
    keys.push(jwk)
  }
  return keys.length > 0 ? { ok: true, keys } : { ok: false, fault: `${file}: has no PEM block` }
}

const publicJwk = (pem: string, label: string): unknown => {
  try {
    return publicKey(pem, label)?.export({ format: 'jwk' })
  } catch {
    return undefined
  }
}

const publicKey = (pem: string, label: string): KeyObject | undefined => {
  if (label === 'PUBLIC KEY') return createPublicKey(pem)
  return label === 'CERTIFICATE' ? new X509Certificate(pem).publicKey : undefined
}
