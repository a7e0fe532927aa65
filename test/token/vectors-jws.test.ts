import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { JWK } from 'jose'
import { pass } from '../../src/decision/refusal.ts'
import type { KeySource } from '../../src/keys/key-source.ts'
import { createTokenVerifier } from '../../src/token/index.ts'
import { inspect } from '../../src/token/inspect.ts'
import { checkSignature } from '../../src/token/signature.ts'
import { startSource } from '../keys/remote-setup.ts'
import { decryptionKeys, type PrivateJwk } from '../support/encryption-keys.ts'
import { ALGORITHMS, NOW, publicKeyOf, trustedIssuer } from '../support/tokens.ts'
import { createVerifying, reasonOf } from '../support/verifying.ts'

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined && 'AUDGATE_VECTORS is not set: the public test vectors are not on this machine'
const load = <T>(name: string): T => JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')) as T

type Keys = JWK | { readonly keys: readonly JWK[] }

interface Wycheproof {
  readonly testGroups: readonly {
    readonly comment: string
    readonly public?: Keys
    readonly private: Keys
    readonly tests: readonly {
      readonly tcId: number
      readonly comment: string
      readonly result: 'valid' | 'invalid'
      /** An object where the case is about the JSON serialization. */
      readonly jws?: string | object
      readonly jwe?: string | object
    }[]
  }[]
}

interface Cookbook {
  readonly cases: readonly {
    readonly path: string
    readonly key: JWK | string | readonly unknown[] | null
    readonly alg: unknown
    readonly compact: string | null
    readonly json: unknown
    readonly json_flat: unknown
  }[]
}

const listOf = (keys: Keys): readonly JWK[] =>
  'keys' in keys && Array.isArray(keys.keys) ? (keys.keys as readonly JWK[]) : [keys as JWK]

const everyAlgorithm = [...ALGORITHMS, 'RS384', 'RS512', 'PS384', 'PS512', 'HS256', 'HS384', 'HS512']

/** Through the key source that production has for a published set. */
const published = async (t: TestContext, keys: readonly JWK[]): Promise<KeySource> => {
  const jwks = { keys: keys.map((jwk) => ({ ...jwk })) }
  const { source } = startSource(t, { kind: 'jwks', jwks }, { algorithms: everyAlgorithm })
  await source.started
  return source
}

/** As it would be sent: an object in the only way there is. */
const sent = (token: string | object | undefined): string =>
  typeof token === 'string' ? token : JSON.stringify(token ?? '')

/** Whether bytes and key are right, for payloads that are no claims. One symmetric key alone is a shared secret. */
const isProven = async (t: TestContext, token: string, keys: readonly JWK[]): Promise<boolean> => {
  const [only, ...more] = keys
  if (only?.kty === 'oct' && more.length === 0) {
    return checkSignature(token, 'HS256', createSecretKey(Buffer.from(only.k ?? '', 'base64url')))
  }
  const alg = inspect(token).header?.alg
  if (typeof alg !== 'string') return false
  const found = await (await published(t, keys.map(publicHalf))).resolve({ alg, kid: undefined }, 0)
  return found.ok && checkSignature(token, alg, found.value)
}

const publicHalf = ({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half }: JWK): JWK => half

test('wycheproof-jwcrypto.json: what is signed and valid is proven, and nothing that is invalid, by ROCA or otherwise', {
  skip,
}, async (t) => {
  const proven: number[] = []
  let run = 0
  for (const group of load<Wycheproof>('wycheproof-jwcrypto.json').testGroups) {
    for (const { tcId, comment, result, jws } of group.tests) {
      if (jws === undefined) continue
      run++
      const good = await isProven(t, sent(jws), listOf(group.public ?? group.private))
      assert.ok(!good || result === 'valid', `${tcId} ${comment}`)
      if (good) proven.push(tcId)
    }
  }
  assert.equal(run, 49)
  // 48 is valid by a symmetric key of a set, which JO-4 forbids.
  assert.deepEqual(proven, [1, 18, 33])
})

test('wycheproof-jwcrypto.json: no token of it passes the gateway, and each refusal is the client’s fault', {
  skip,
}, async (t) => {
  let run = 0
  for (const group of load<Wycheproof>('wycheproof-jwcrypto.json').testGroups) {
    const source = await published(t, listOf(group.public ?? group.private))
    const keys = listOf(group.private) as readonly PrivateJwk[]
    const issuer = trustedIssuer(source, { decryption: decryptionKeys(keys), token: { algorithms: everyAlgorithm } })
    const events = { cache: () => undefined, validated: () => undefined }
    const verifier = createTokenVerifier({ issuers: [issuer], tokenSize: 8192, cache: 1 << 20, events })
    for (const { tcId, comment, jws, jwe } of group.tests) {
      const found = reasonOf(await verifier.verify(sent(jws ?? jwe), ['main'], NOW))
      // Where no key of the group may be used, none is there.
      assert.ok(!['none', 'internal'].includes(found), `${tcId} ${comment}: ${found}`)
      run++
    }
  }
  assert.equal(run, 83)
})

test('rfc7520-cookbook.json: the compact signatures of our algorithms are proven with their keys, and with no other', {
  skip,
}, async () => {
  const proven: string[] = []
  for (const { path, key, alg, compact } of load<Cookbook>('rfc7520-cookbook.json').cases) {
    if (compact === null || compact.split('.').length !== 3 || key === null || typeof key !== 'object') continue
    if (!('kty' in key)) continue
    const made =
      key.kty === 'oct' ? createSecretKey(Buffer.from(key.k ?? '', 'base64url')) : publicKeyOf(publicHalf(key))
    for (const tried of everyAlgorithm) {
      const good = checkSignature(compact, tried, made)
      if (good) proven.push(`${path.replace(/^.*\//, '')} ${tried}`)
      assert.ok(!good || tried === alg || (alg === 'EdDSA' && tried === 'Ed25519'), `${path} ${tried}`)
    }
  }
  assert.deepEqual(proven, [
    'jws.json EdDSA',
    'jws.json Ed25519',
    '4_1.rsa_v15_signature.json RS256',
    '4_2.rsa-pss_signature.json PS384',
    '4_3.ecdsa_signature.json ES512',
    '4_4.hmac-sha2_integrity_protection.json HS256',
    'hmac-sha2_b64_false.json HS256',
  ])
})

test('rfc7520-cookbook.json: no form of any of it passes the gateway: JWS or JWE, compact, general or flattened', {
  skip,
}, async () => {
  let run = 0
  for (const { path, key, compact, json, json_flat: flat } of load<Cookbook>('rfc7520-cookbook.json').cases) {
    const verifying = await createVerifying({ keys: [], token: { algorithms: everyAlgorithm, profile: 'jwt' } })
    if (key !== null && typeof key === 'object' && 'kty' in key) {
      const made =
        key.kty === 'oct' ? createSecretKey(Buffer.from(key.k ?? '', 'base64url')) : publicKeyOf(publicHalf(key))
      verifying.keys.answer(() => pass(made))
    }
    for (const form of [compact, json, flat]) {
      if (form === null || form === undefined) continue
      const found = await verifying.reason(typeof form === 'string' ? form : JSON.stringify(form))
      assert.ok(!['none', 'internal'].includes(found), `${path}: ${found}`)
      run++
    }
  }
  assert.ok(run > 50)
})
