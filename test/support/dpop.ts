import { constants, createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Store, Stored } from '../../src/store/store.ts'

export const PROVER_ALGS = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519'] as const
export type ProverAlg = (typeof PROVER_ALGS)[number]

/** A client that holds a key and proves it (RFC 9449). */
export interface Prover {
  readonly alg: ProverAlg
  /** The public key, as a proof brings it. */
  readonly jwk: JWK
  readonly privateKey: KeyObject
  /** The RFC 7638 thumbprint, by jose: what `cnf.jkt` of its tokens is. */
  readonly jkt: string
  /** A proof for one request. The signature is always right for the bytes, however wrong the bytes are. */
  prove(about: Proving): string
}

export interface Proving {
  readonly token: string
  readonly uri: string
  /** Default: GET. */
  readonly method?: string
  /** Seconds since the epoch; default: the clock of the machine. */
  readonly now?: number
  /** Members over `{ alg, typ, jwk }`, `undefined` removes; or the exact text or bytes. */
  readonly header?: Readonly<Record<string, unknown>> | string | Uint8Array
  /** Claims over `{ jti, htm, htu, iat, ath }`, `undefined` removes; or the exact text or bytes. */
  readonly claims?: Readonly<Record<string, unknown>> | string | Uint8Array
}

/** A new key; RSA takes a tenth of a second, so make each once a file. */
export const createProver = async (alg: ProverAlg = 'ES256'): Promise<Prover> => {
  const { privateKey, publicKey } = generatePair(alg)
  const jwk = publicKey.export({ format: 'jwk' }) as JWK
  return {
    alg,
    jwk,
    privateKey,
    jkt: await calculateJwkThumbprint(jwk),
    prove: ({ token, uri, method = 'GET', now = Date.now() / 1000, header = {}, claims = {} }) => {
      const head = isExact(header) ? header : JSON.stringify({ alg, typ: 'dpop+jwt', jwk, ...header })
      const good = { jti: randomUUID(), htm: method, htu: uri, iat: Math.floor(now), ath: athOf(token) }
      const body = isExact(claims) ? claims : JSON.stringify({ ...good, ...claims })
      return signCompact(alg, privateKey, head, body)
    },
  }
}

/** The `ath` of a token (RFC 9449 section 4.2). */
export const athOf = (token: string): string => createHash('sha256').update(token, 'ascii').digest('base64url')

/** A compact JWS over exactly these bytes. */
export const signCompact = (
  alg: ProverAlg,
  key: KeyObject,
  header: string | Uint8Array,
  claims: string | Uint8Array,
): string => {
  const input = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${input}.${signatureOf(alg, key, Buffer.from(input)).toString('base64url')}`
}

const signatureOf = (alg: ProverAlg, key: KeyObject, data: Buffer): Buffer => {
  switch (alg) {
    case 'ES256':
    case 'ES384':
    case 'ES512':
      return sign(`sha${alg.slice(2)}`, data, { key, dsaEncoding: 'ieee-p1363' })
    case 'RS256':
      return sign('sha256', data, key)
    case 'PS256':
      return sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
    case 'EdDSA':
    case 'Ed25519':
      return sign(null, data, key)
  }
}

const generatePair = (alg: ProverAlg): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } => {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'ES512':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' })
    case 'RS256':
    case 'PS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'EdDSA':
    case 'Ed25519':
      return generateKeyPairSync('ed25519')
  }
}

const isExact = (value: unknown): value is string | Uint8Array =>
  typeof value === 'string' || value instanceof Uint8Array

/** Notes of used proofs in this process, by a clock of the test's. */
export interface Notes extends Pick<Store, 'putIfAbsent'> {
  /** What is noted now, with the milliseconds that are left. */
  readonly kept: ReadonlyMap<string, number>
  /** From now on this is the answer instead; undefined: an ordinary one again. */
  answer(stored: (() => Stored<boolean> | Promise<Stored<boolean>>) | undefined): void
}

/** @param now milliseconds since the epoch */
export const createNotes = (now: () => number): Notes => {
  const ends = new Map<string, number>()
  let instead: (() => Stored<boolean> | Promise<Stored<boolean>>) | undefined
  return {
    get kept() {
      return new Map([...ends].map(([key, end]) => [key, end - now()] as const).filter(([, left]) => left > 0))
    },
    answer(stored) {
      instead = stored
    },
    putIfAbsent(key, ttlMs) {
      if (instead !== undefined) return instead()
      const isNew = (ends.get(key) ?? 0) <= now()
      if (isNew) ends.set(key, now() + ttlMs)
      return { ok: true, value: isNew }
    },
  }
}

/** The fields of a request with a token and its proof. */
export const presenting = (token: string, proof?: string, scheme = 'DPoP'): Record<string, string> => ({
  authorization: `${scheme} ${token}`,
  ...(proof === undefined ? {} : { dpop: proof }),
})
