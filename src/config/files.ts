import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { maxConfigBytes } from './text.ts'

export type FileRead =
  | { readonly ok: true; readonly bytes: Uint8Array }
  /** In words that may be shown: never the content. */
  | { readonly ok: false; readonly fault: string }

/** How files that the config names are read. Never throws. */
export type ReadFile = (path: string) => FileRead

/** Tells what was read of a file from what was read before: the content, or why there is none. Never to be shown. */
export const digestOf = (read: FileRead): string =>
  read.ok ? createHash('sha256').update(read.bytes).digest('base64') : read.fault

/** Reads a whole regular file. A directory, a pipe or an endless device is refused and never waited for. */
export const readRegularFile: ReadFile = (path) => {
  let descriptor: number | undefined
  try {
    // Opening a pipe that nobody writes to would wait for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const fault = statusFault(fstatSync(descriptor))
    return fault === undefined ? { ok: true, bytes: readFileSync(descriptor) } : { ok: false, fault }
  } catch (error) {
    return { ok: false, fault: readFault(error) }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** {@link readRegularFile} for a gateway that runs: a slow disk holds no request up. Never rejects. */
export const readRegularFileAside = async (path: string): Promise<FileRead> => {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const fault = statusFault(await handle.stat())
    return fault === undefined ? { ok: true, bytes: await handle.readFile() } : { ok: false, fault }
  } catch (error) {
    return { ok: false, fault: readFault(error) }
  } finally {
    // What was read is read: network file systems may find a fault only now.
    await handle?.close().catch(() => undefined)
  }
}

const statusFault = (status: Stats): string | undefined => {
  if (status.isDirectory()) return 'is a directory'
  if (!status.isFile()) return 'is not a regular file'
  return status.size > maxConfigBytes ? 'is too large (more than 32 MiB)' : undefined
}

const readFault = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
  return readFaults.get(code) ?? `cannot be read (${code})`
}

const readFaults: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['ENOTDIR', 'does not exist'],
  ['EISDIR', 'is a directory'],
  ['EACCES', 'cannot be read: permission denied'],
  ['ENXIO', 'is not a regular file'],
])

/** Why a text is no list of CA certificates, or undefined. */
export const caFault = (pem: string): string | undefined => {
  const blocks = pem.match(pemBlock) ?? []
  return certificatesFault(pem, blocks)
}

/** Why a text is no list of public keys or certificates, or undefined. */
export const pemFault = (pem: string): string | undefined => {
  const blocks = pem.match(pemBlock) ?? []
  if (blocks.some((block) => block.includes('PRIVATE KEY-----')))
    return 'holds a private key: only public ones belong here'
  if (blocks.length === 0) return 'holds no public key in PEM form'
  const readable = blocks.every((block) =>
    holds(() =>
      block.startsWith('-----BEGIN CERTIFICATE') ? new X509Certificate(block).publicKey : createPublicKey(block),
    ),
  )
  return readable ? undefined : 'holds something that is no public key'
}

/** Why a value is no usable JWK set, or undefined. */
export const jwksFault = (set: unknown): string | undefined => {
  const keys: unknown = isObject(set) ? Reflect.get(set, 'keys') : undefined
  if (!Array.isArray(keys)) return 'holds no JWK set: {"keys": […]}'
  if (keys.length === 0) return 'holds an empty key set: no token could pass'
  for (const key of keys) {
    if (!isObject(key)) return 'holds a key that is no JSON object'
    // A shared secret in a set of public keys lets everyone who reads the set sign tokens (RFC 8725 section 3.1).
    if (Reflect.get(key, 'kty') === 'oct') return 'holds a symmetric key (`oct`): only public ones belong here'
    if (Reflect.has(key, 'd')) return 'holds a private key: only public ones belong here'
  }
  const usable = keys.some((key) => holds(() => createPublicKey({ key: { ...key }, format: 'jwk' })))
  return usable ? undefined : 'holds no key that can be read'
}

/** Why bytes are no usable JWK set, or undefined. */
export const jwksFileFault = (bytes: Uint8Array): string | undefined => {
  let set: unknown
  try {
    set = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return 'is not JSON'
  }
  return jwksFault(set)
}

const pemBlock = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Why a text is no certificate chain of a server, or undefined. */
export const certificateFault = (pem: string): string | undefined => {
  const blocks = (pem.match(pemBlock) ?? []).filter((block) => block.startsWith('-----BEGIN CERTIFICATE'))
  return certificatesFault(pem, blocks)
}

/** @param blocks those of the text that must be certificates */
const certificatesFault = (pem: string, blocks: readonly string[]): string | undefined => {
  // A file that is being written: what is whole may look good, and is not all.
  if (pem.replace(pemBlock, '').includes('-----BEGIN ')) return 'holds a certificate that is cut off'
  if (blocks.length === 0) return 'holds no certificate in PEM form'
  return blocks.every((block) => holds(() => new X509Certificate(block)))
    ? undefined
    : 'holds something that is no certificate'
}

/** Why a text is no private key of a server, or undefined. */
export const privateKeyFault = (pem: string): string | undefined =>
  holds(() => createPrivateKey(pem))
    ? undefined
    : 'holds no private key in PEM form that can be read without a passphrase'

/** Why bytes are no private key to sign with, as PEM or as JWK, or undefined. */
export const signingKeyFault = (bytes: Uint8Array): string | undefined => {
  const text = new TextDecoder().decode(bytes)
  const key = privateKeyOf(text)
  if (key === undefined) return 'holds no private key, neither as JWK nor in PEM form'
  return canSign(key) ? undefined : 'holds a key that signs with none of RS256, ES256, ES384, ES512, Ed25519'
}

const privateKeyOf = (text: string): KeyObject | undefined => {
  try {
    return createPrivateKey(text.includes('-----BEGIN') ? text : { key: JSON.parse(text), format: 'jwk' })
  } catch {
    // The message may quote the key.
    return undefined
  }
}

/** RFC 7518 sections 3.3 and 3.4, RFC 8037. */
const canSign = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean => {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType === 'rsa') return modulusLength >= 2048
  return asymmetricKeyType === 'ed25519' || ['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve)
}

/** Why bytes are no JWK set of private keys to decrypt with, or undefined. */
export const decryptionSetFault = (bytes: Uint8Array): string | undefined => {
  let set: unknown
  try {
    set = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return 'is not JSON'
  }
  const keys: unknown = isObject(set) ? Reflect.get(set, 'keys') : undefined
  if (!Array.isArray(keys)) return 'holds no JWK set: {"keys": […]}'
  return keys.some(opensTokens) ? undefined : 'holds no private key that could open a token'
}

/** Whether it is worth a try: the gateway itself looks closer, and says which key it does not use. */
const opensTokens = (key: unknown): boolean => {
  if (!isObject(key)) return false
  const { kty, crv, use, k }: { kty?: unknown; crv?: unknown; use?: unknown; k?: unknown } = key
  if (use !== undefined && use !== 'enc') return false
  // As long as a content encryption algorithm needs (RFC 7518 section 5).
  if (kty === 'oct') return typeof k === 'string' && [16, 32, 64].includes(Buffer.from(k, 'base64url').length)
  // Ed25519 signs and opens nothing.
  if (kty === 'OKP' && crv !== 'X25519') return false
  return holds(() => createPrivateKey({ key: { ...key }, format: 'jwk' }))
}

/** Whether a parser takes it; its message may quote the content and is dropped. */
export const holds = (parse: () => unknown): boolean => {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
