import { createHash, X509Certificate } from 'node:crypto'
import type { ForwardedFields } from './head.ts'

/** SHA-256 of the DER of a certificate in base64url, as `x5t#S256` has it (RFC 8705 section 3.1). */
export const thumbprintOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('base64url')

/**
 * The thumbprint of the certificate that a TLS terminator says its client showed, in `Client-Cert` (RFC 9440) or in
 * `X-Forwarded-Client-Cert` (Envoy). Undefined: it says nothing, or something that has two readings: two lines, two
 * fields that disagree, anything outside the grammar. Whether the peer may say so at all is not checked here, nor
 * whether anybody vouches for the certificate (MT-3).
 */
export const forwardedThumbprint = (fields: ForwardedFields): string | undefined => {
  const said: (string | undefined)[] = []
  const { clientCert, forwardedClientCert } = fields
  if (clientCert.length > 0) said.push(only(clientCert, thumbprintOfField))
  if (forwardedClientCert.length > 0) said.push(only(forwardedClientCert, thumbprintOfElement))
  return agreed(said)
}

/** Neither field is ever repeated: two lines are two opinions (MT-4). */
const only = (lines: readonly string[], read: (line: string) => string | undefined): string | undefined => {
  const [line] = lines
  return lines.length === 1 && line !== undefined && line.length <= fieldSize ? read(line) : undefined
}

/** What all of them say; undefined when one says nothing that can be believed. */
const agreed = (said: readonly (string | undefined)[]): string | undefined =>
  said.every((one) => one === said[0]) ? said[0] : undefined

/** Beyond what any leaf needs, RSA 8192 and a long list of names included; `limits.header_size` may be a mebibyte. */
const fieldSize = 16 * 1024

/** RFC 9440 section 2.2: `Client-Cert = sf-binary`, so no list and no parameters either. */
const thumbprintOfField = (line: string): string | undefined => {
  const base64 = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(line)?.[1]
  return base64 === undefined ? undefined : thumbprintOfBase64(base64)
}

/** Strict base64 with its padding (RFC 4648 section 4), and nothing but one certificate in DER. */
const thumbprintOfBase64 = (base64: string): string | undefined => {
  const der = Buffer.from(base64, 'base64')
  return der.toString('base64') === base64 && isCertificate(der) ? thumbprintOf(der) : undefined
}

/** OpenSSL reads PEM here too, and overlooks what stands behind the DER: neither is what was said. */
const isCertificate = (der: Buffer): boolean => {
  try {
    return new X509Certificate(der).raw.equals(der)
  } catch {
    return false
  }
}

/**
 * One element of `X-Forwarded-Client-Cert`: pairs with `;` between them. Several elements, one for each proxy on the
 * way, are not believed: the first may have come from the client, the last is about the proxy before us, and nothing
 * says which of them names the client.
 *
 * `Hash` and `Cert` must agree and may stand there once only: Envoy writes the names in a certificate as they are, and
 * a client that signs its own could write `;Cert="…"` or `;Hash=…` into one of them. The true `Hash` is always there.
 */
const thumbprintOfElement = (element: string): string | undefined => {
  if (!elementGrammar.test(element)) return undefined
  const said: (string | undefined)[] = []
  const seen = new Set<string>()
  for (const [, key = '', quoted, plain = ''] of element.matchAll(pairs)) {
    const name = key.toLowerCase()
    const read = readers.get(name)
    if (!read) continue
    if (seen.has(name)) return undefined
    seen.add(name)
    said.push(read(quoted ?? plain))
  }
  return agreed(said)
}

const pair = '([A-Za-z]+)=(?:"((?:[^"\\\\]|\\\\.)*)"|([^",;\\\\]*))'
const pairs = new RegExp(pair, 'g')
const elementGrammar = new RegExp(`^${pair}(?:;${pair})*$`)

const thumbprintOfHash = (value: string): string | undefined =>
  /^[0-9a-f]{64}$/i.test(value) ? Buffer.from(value, 'hex').toString('base64url') : undefined

/** PEM, percent-encoded: one certificate, without anything around it that OpenSSL would overlook. */
const thumbprintOfPem = (value: string): string | undefined => {
  const base64 = /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)\n-----END CERTIFICATE-----\n?$/.exec(
    percentDecoded(value),
  )?.[1]
  return base64 === undefined ? undefined : thumbprintOfBase64(base64.replaceAll('\n', ''))
}

const readers: ReadonlyMap<string, (value: string) => string | undefined> = new Map([
  ['cert', thumbprintOfPem],
  ['hash', thumbprintOfHash],
])

const percentDecoded = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}
