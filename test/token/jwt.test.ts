import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { Outcome } from '../../src/decision/refusal.ts'
import { pass } from '../../src/decision/refusal.ts'
import type { KeyOptions } from '../../src/keys/options.ts'
import { createAside, MOST_ASIDE } from '../../src/token/aside.ts'
import { readCompact } from '../../src/token/compact.ts'
import { createTokenVerifier } from '../../src/token/index.ts'
import { createJwtVerifier } from '../../src/token/jwt.ts'
import type { Proof } from '../../src/token/proof.ts'
import { startSource } from '../keys/remote-setup.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import {
  ALGORITHMS,
  base64url,
  createKey,
  goodClaims,
  ISSUER,
  issuerKeys,
  type Minting,
  mint,
  NOW,
  publicKeyOf,
  type TestAlg,
  trustedIssuer,
} from '../support/tokens.ts'
import { reasonOf } from '../support/verifying.ts'

const fast = (['RS256', 'PS256', 'ES256', 'EdDSA'] satisfies TestAlg[]).map((alg) => createKey(alg, alg))
const slow = (['ES384', 'ES512'] satisfies TestAlg[]).map((alg) => createKey(alg, alg))
const hmacs = ['HS256', 'HS384', 'HS512']

const verifying = async (options: Parameters<typeof trustedIssuer>[1] = {}) => {
  const keys = await issuerKeys([...fast, ...slow])
  const verifier = createJwtVerifier(trustedIssuer(keys, options), createAside(MOST_ASIDE))
  const prove = (minting: Minting | string): Outcome<Proof> | Promise<Outcome<Proof>> => {
    const token = typeof minting === 'string' ? minting : mint(minting)
    const read = readCompact(token)
    return read.ok ? verifier.prove(token, read.value, NOW) : assert.fail('malformed')
  }
  return { keys, prove }
}

const atOnce = (outcome: Outcome<Proof> | Promise<Outcome<Proof>>): Outcome<Proof> =>
  outcome instanceof Promise ? assert.fail('it was a promise') : outcome

const forged = (token: string): string => `${token.slice(0, -9)}${token.endsWith('AAAAAAAAA') ? 'B' : 'A'.repeat(9)}`

test('a token whose key is in memory is judged at once, without a promise, good or bad', async () => {
  const { prove } = await verifying()
  for (const key of fast) {
    assert.equal(reasonOf(atOnce(prove({ key }))), 'none', key.alg)
    assert.equal(reasonOf(atOnce(prove(forged(mint({ key }))))), 'signature_invalid', key.alg)
  }
})

test('row 12: a signature that takes long is checked on another thread, and judged the same', async () => {
  const { prove } = await verifying()
  for (const key of slow) {
    const [good, bad] = [prove({ key }), prove(forged(mint({ key })))]
    assert.ok(good instanceof Promise && bad instanceof Promise, key.alg)
    assert.equal(reasonOf(await good), 'none', key.alg)
    assert.equal(reasonOf(await bad), 'signature_invalid', key.alg)
  }
})

test('a key that has to be waited for is waited for', async () => {
  const { keys, prove } = await verifying()
  const [key = assert.fail()] = fast
  keys.answer(async () => pass(publicKeyOf(key.jwk)))
  const outcome = prove({ key })
  assert.ok(outcome instanceof Promise)
  assert.equal(reasonOf(await outcome), 'none')
  assert.equal(reasonOf(await prove(forged(mint({ key })))), 'signature_invalid')
})

test('the steps come in the order of the contract: typ, alg, key, signature, claims, times', async () => {
  const { keys, prove } = await verifying()
  const [key = assert.fail()] = fast
  const faults = [
    ['token_type_wrong', { header: { typ: 'JWT' } }],
    ['algorithm_refused', { header: { alg: 'HS256' } }],
    ['key_unknown', { header: { kid: 'unknown' } }],
    ['signature_invalid', {}],
    ['claim_missing', { claims: { client_id: undefined } }],
    ['token_expired', { claims: { exp: 1 } }],
  ] as const
  for (const [index, [expected]] of faults.entries()) {
    const header = Object.assign({}, ...faults.slice(index).map(([, fault]) => ('header' in fault ? fault.header : {})))
    const claims = Object.assign({}, ...faults.slice(index).map(([, fault]) => ('claims' in fault ? fault.claims : {})))
    const token = mint({ key, header, claims })
    const spoilt = index <= 3 ? forged(token) : token
    assert.equal(reasonOf(atOnce(prove(spoilt))), expected)
  }
  // Nothing is looked for before `typ` and `alg` are good.
  assert.equal(keys.asked.length, 4)
})

test('a key source that breaks its promise is our fault, and nothing is thrown or rejected', async () => {
  const { keys, prove } = await verifying()
  const [key = assert.fail()] = fast
  const answers = [
    () => {
      throw new Error('broken')
    },
    () => Promise.reject(new Error('broken')),
    () => undefined as never,
    async () => undefined as never,
    () => pass(undefined as never),
  ]
  for (const answer of answers) {
    keys.answer(answer)
    assert.equal(reasonOf(await prove({ key })), 'internal')
  }
  const broken = trustedIssuer(keys, {
    keys: {
      ...keys,
      get generation(): number {
        throw new Error('broken')
      },
    },
  })
  const read = readCompact(mint({ key }))
  assert.ok(read.ok)
  assert.equal(
    reasonOf(await createJwtVerifier(broken, createAside(MOST_ASIDE)).prove(mint({ key }), read.value, NOW)),
    'internal',
  )
})

/** A verifier of issuers whose keys come from real sources. */
const gatewayOf = async (
  t: TestContext,
  issuers: readonly { name: string; issuer: string; algorithms: readonly string[]; source: KeyOptions['source'] }[],
) => {
  const trusted = issuers.map(({ name, issuer, algorithms, source }) =>
    trustedIssuer(startSource(t, source, { name, issuer, algorithms }).source, { name, issuer, token: { algorithms } }),
  )
  await Promise.all(trusted.map(({ keys }) => keys.started))
  const events = { cache: () => undefined, validated: () => undefined }
  const verifier = createTokenVerifier({ issuers: trusted, tokenSize: 8192, cache: 1 << 20, events })
  const names = issuers.map(({ name }) => name)
  return async (token: string) => {
    const outcome = await verifier.verify(token, names, NOW)
    return outcome.ok ? `none, ${outcome.value.issuer}` : outcome.refusal.reason
  }
}

const maced = (alg: string, secret: string | Uint8Array, header: Record<string, unknown> = {}): string => {
  const head = base64url(JSON.stringify({ alg, typ: 'at+jwt', kid: 'RS256', ...header }))
  const input = `${head}.${base64url(JSON.stringify(goodClaims()))}`
  return `${input}.${createHmac(`sha${alg.slice(2)}`, secret)
    .update(input)
    .digest('base64url')}`
}

test('JO-4: a token with a MAC is proven by the secret that is shared with its issuer, and by no other', async (t) => {
  const secret = randomBytes(64).fill(0x41, 63)
  const file = temporaryFile(t, 'secret', '')
  writeFileSync(file, secret)
  const issuer = { name: 'main', issuer: ISSUER, source: { kind: 'secret_file', file } as const }
  const reason = await gatewayOf(t, [{ ...issuer, algorithms: hmacs }])
  for (const alg of hmacs) {
    assert.equal(await reason(maced(alg, secret)), 'none, main')
    assert.equal(await reason(maced(alg, secret, { kid: undefined })), 'none, main')
    for (const other of [randomBytes(64), secret.subarray(1), secret.toString('base64'), '']) {
      assert.equal(await reason(maced(alg, other)), 'signature_invalid')
    }
    assert.equal(await reason(forged(maced(alg, secret))), 'signature_invalid')
  }
  for (const key of [...fast, ...slow]) assert.equal(await reason(mint({ key })), 'algorithm_refused')
  const narrow = await gatewayOf(t, [{ ...issuer, algorithms: ['HS512'] }])
  assert.equal(await narrow(maced('HS512', secret)), 'none, main')
  assert.equal(await narrow(maced('HS256', secret)), 'algorithm_refused')
  // A list that has both is an error of the config, and here it is an issuer without a key.
  const mixed = await gatewayOf(t, [{ ...issuer, algorithms: ['HS256', 'RS256'] }])
  const [rs = assert.fail()] = fast
  for (const token of [maced('HS256', secret), mint({ key: rs })]) assert.equal(await mixed(token), 'keys_unavailable')
})

test('JO-4: row 3: a MAC that is keyed with a public key of the issuer lets nobody in, whatever its list says', async (t) => {
  for (const { jwk, kid, alg } of [...fast, ...slow]) {
    const key = publicKeyOf(jwk)
    const spki = key.export({ format: 'pem', type: 'spki' }).toString()
    const text = jwk.n ?? jwk.x ?? ''
    const forms: (string | Buffer)[] = [spki, spki.trim(), ` ${spki}`, spki.replaceAll('\n', '\r\n')]
    forms.push(key.export({ format: 'der', type: 'spki' }), JSON.stringify(jwk), JSON.stringify({ keys: [jwk] }))
    forms.push(JSON.stringify(key.export({ format: 'jwk' })), text, Buffer.from(text, 'base64url'), '')
    if (jwk.kty === 'RSA') {
      forms.push(key.export({ format: 'pem', type: 'pkcs1' }).toString(), key.export({ format: 'der', type: 'pkcs1' }))
    }
    const pem = temporaryFile(t, 'key.pem', spki)
    const sources: readonly KeyOptions['source'][] = [
      { kind: 'jwks', jwks: { keys: [jwk] } },
      { kind: 'pem_file', file: pem },
    ]
    for (const source of sources) {
      const issuer = { name: 'main', issuer: ISSUER, source }
      const usual = await gatewayOf(t, [{ ...issuer, algorithms: ALGORITHMS }])
      const careless = await gatewayOf(t, [{ ...issuer, algorithms: [...hmacs, ...ALGORITHMS] }])
      for (const form of forms) {
        for (const hmac of hmacs) {
          for (const header of [{ kid }, { kid: undefined }, { kid: 'unknown' }]) {
            const token = maced(hmac, form, header)
            assert.equal(await usual(token), 'algorithm_refused', alg)
            assert.equal(await careless(token), 'key_unknown', alg)
          }
        }
      }
    }
  }
})

test('AT-6: the same kid in the sets of two issuers: a key proves tokens of its own issuer and of no other', async (t) => {
  const other = 'https://other.test'
  const [a, b] = [createKey('ES256', 'same'), createKey('ES256', 'same')]
  const onlyA = createKey('ES256', 'only-a')
  const setOf = (...keys: (typeof a)[]): KeyOptions['source'] => ({
    kind: 'jwks',
    jwks: { keys: keys.map(({ jwk }) => jwk) },
  })
  const reason = await gatewayOf(t, [
    { name: 'a', issuer: ISSUER, algorithms: ALGORITHMS, source: setOf(a, onlyA) },
    { name: 'b', issuer: other, algorithms: ALGORITHMS, source: setOf(b) },
  ])
  const claims = { iss: other }
  assert.equal(await reason(mint({ key: a })), 'none, a')
  assert.equal(await reason(mint({ key: b, claims })), 'none, b')
  assert.equal(await reason(mint({ key: a, claims })), 'signature_invalid')
  assert.equal(await reason(mint({ key: b })), 'signature_invalid')
  assert.equal(await reason(mint({ key: onlyA })), 'none, a')
  // Known to A alone, and not looked for there.
  assert.equal(await reason(mint({ key: onlyA, claims })), 'key_unknown')
  assert.equal(await reason(mint({ key: onlyA, claims, header: { kid: 'same' } })), 'signature_invalid')
  assert.equal(await reason(mint({ key: a, claims, header: { kid: undefined } })), 'signature_invalid')
})

test('AT-6: the secret of one issuer proves no token of another, and no key of a set is a secret', async (t) => {
  const secret = randomBytes(32).fill(0x41, 31)
  const file = temporaryFile(t, 'secret', '')
  writeFileSync(file, secret)
  const [rs = assert.fail()] = fast
  const reason = await gatewayOf(t, [
    { name: 'shared', issuer: 'https://shared.test', algorithms: ['HS256'], source: { kind: 'secret_file', file } },
    { name: 'main', issuer: ISSUER, algorithms: ALGORITHMS, source: { kind: 'jwks', jwks: { keys: [rs.jwk] } } },
  ])
  assert.equal(await reason(maced('HS256', secret)), 'algorithm_refused')
  assert.equal(await reason(mint({ key: rs, claims: { iss: 'https://shared.test' } })), 'algorithm_refused')
  assert.equal(await reason(mint({ key: rs })), 'none, main')
})
