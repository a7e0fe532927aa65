import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JWK } from 'jose'
import { pass, refuse } from '../../src/decision/refusal.ts'
import type { KeySource } from '../../src/keys/key-source.ts'
import type { TokenOptions } from '../../src/token/options.ts'
import type { TrustedIssuer } from '../../src/token/proof.ts'

export type TestAlg = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA'

/** A real key pair of an issuer. */
export interface TestKey {
  readonly alg: TestAlg
  readonly kid: string
  readonly privateKey: KeyObject
  /** With `kid`, `alg` and `use`: as it stands in a JWKS. */
  readonly jwk: JWK & { readonly kid: string; readonly alg: string }
}

export const ISSUER = 'https://as.test/oidc'
export const AUDIENCE = 'https://api.test/orders'
/** The instant the tokens of `mint` are made for; tests pass it on as `now`. */
export const NOW = 1_800_000_000
export const ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** What the config gives for `main: https://as.test/oidc`. */
export const TOKEN_OPTIONS: TokenOptions = {
  profile: 'rfc9068',
  algorithms: ALGORITHMS,
  clockToleranceSeconds: 30,
  maxTokenAgeSeconds: undefined,
  introspection: undefined,
  decryption: undefined,
  claims: { scope: undefined, clientId: undefined },
}

/** A new key pair; RSA takes a tenth of a second, so make each once a file. */
export const createKey = (alg: TestAlg, kid: string): TestKey => {
  const { privateKey, publicKey } = generatePair(alg)
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } as TestKey['jwk']
  return { alg, kid, privateKey, jwk }
}

/** The claims of a good RFC 9068 token; what is given replaces, `undefined` removes. */
export const goodClaims = (replaced: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  sub: 'alice',
  aud: AUDIENCE,
  client_id: 'cli',
  scope: 'orders:read orders:write',
  iat: NOW - 60,
  exp: NOW + 3600,
  jti: 'jti-1',
  ...replaced,
})

export interface Minting {
  readonly key: TestKey
  /** Members over `{ alg, typ: 'at+jwt', kid }`, `undefined` removes; or the exact text or bytes. */
  readonly header?: Readonly<Record<string, unknown>> | string | Uint8Array
  /** Claims over those of {@link goodClaims}, `undefined` removes; or the exact text or bytes. */
  readonly claims?: Readonly<Record<string, unknown>> | string | Uint8Array
}

/** A signed token. The signature is always right for the bytes, however wrong the bytes are. */
export const mint = ({ key, header = {}, claims = {} }: Minting): string => {
  const head = isExact(header) ? header : JSON.stringify({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header })
  const body = isExact(claims) ? claims : JSON.stringify(goodClaims(claims))
  const input = `${base64url(head)}.${base64url(body)}`
  return `${input}.${signWith(key, input).toString('base64url')}`
}

/** The raw JWS signature over `input`; ECDSA as R‖S. */
export const signWith = ({ alg, privateKey }: TestKey, input: string): Buffer => {
  const data = Buffer.from(input)
  const bits = Number(alg.slice(2))
  switch (alg.slice(0, 2)) {
    case 'RS':
      return sign(`sha${bits}`, data, privateKey)
    case 'PS':
      return sign(`sha${bits}`, data, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: bits / 8,
      })
    case 'ES':
      return sign(`sha${bits}`, data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    default:
      return sign(null, data, privateKey)
  }
}

export const base64url = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url')

/** A key source that holds what it is given, and can be made to change or to fail. */
export interface TestKeySource extends KeySource {
  /** Every hint that was asked for. */
  readonly asked: { readonly alg: string; readonly kid: string | undefined }[]
  /** Replaces the keys and moves the generation. */
  rotate(keys: readonly TestKey[]): Promise<void>
  /** From now on `resolve` does this instead. */
  answer(resolve: KeySource['resolve']): void
}

/** Keys by `kid` and `alg`; without a `kid` the one key that fits (AS-13). Real imported keys, no network. */
export const issuerKeys = async (keys: readonly TestKey[], name = 'main'): Promise<TestKeySource> => {
  let loaded = importAll(keys)
  let generation = 0
  let answer: KeySource['resolve'] = ({ alg, kid }) => {
    const fits = loaded.filter(({ jwk }) => jwk.alg === alg && (kid === undefined || jwk.kid === kid))
    const [only, ...more] = fits
    if (only === undefined || more.length > 0) return refuse({ reason: 'key_unknown', issuer: name, fault: 'test' })
    return pass(only.key)
  }
  const asked: TestKeySource['asked'] = []
  return {
    asked,
    state: 'fresh',
    get generation() {
      return generation
    },
    started: Promise.resolve(),
    reload: async () => undefined,
    resolve(hint, now) {
      asked.push(hint)
      return answer(hint, now)
    },
    report: () => ({
      state: 'fresh',
      keys: loaded.length,
      lastSuccess: undefined,
      lastError: undefined,
      jwksUri: undefined,
    }),
    async rotate(next) {
      loaded = importAll(next)
      generation++
    },
    answer(resolve) {
      answer = resolve
    },
    close: async () => undefined,
  }
}

/** An issuer whose tokens are signed JWTs and nothing else. */
export const trustedIssuer = (
  keys: KeySource,
  { token = {}, ...rest }: Partial<Omit<TrustedIssuer, 'token'>> & { readonly token?: Partial<TokenOptions> } = {},
): TrustedIssuer => ({
  name: 'main',
  issuer: ISSUER,
  keys,
  decryption: undefined,
  introspection: undefined,
  ...rest,
  token: { ...TOKEN_OPTIONS, ...token },
})

/** The public key of a JWK, as a key source gives it. */
export const publicKeyOf = (jwk: JWK): KeyObject => createPublicKey({ key: { ...jwk }, format: 'jwk' })

const importAll = (keys: readonly TestKey[]) => keys.map(({ jwk }) => ({ jwk, key: publicKeyOf(jwk) }))

const generatePair = (alg: TestAlg): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } => {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'ES512':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' })
    case 'EdDSA':
      return generateKeyPairSync('ed25519')
    default:
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}

const isExact = (value: unknown): value is string | Uint8Array =>
  typeof value === 'string' || value instanceof Uint8Array
