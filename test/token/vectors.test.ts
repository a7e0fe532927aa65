import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import { pass, refuse } from '../../src/decision/refusal.ts'
import { readCompact } from '../../src/token/compact.ts'
import { inspect } from '../../src/token/inspect.ts'
import { checkSignature } from '../../src/token/signature.ts'
import { createKey, goodClaims, mint } from '../support/tokens.ts'
import { createVerifying } from '../support/verifying.ts'

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined && 'AUDGATE_VECTORS is not set: the public test vectors are not on this machine'

interface JsonCase {
  readonly name: string
  readonly expect: 'accept' | 'reject' | 'either'
  readonly b64: string
}

interface JoseGroup {
  readonly public?: JWK | { readonly keys: readonly JWK[] }
  readonly private?: JWK | { readonly keys: readonly JWK[] }
  readonly tests: readonly {
    readonly tcId: number
    readonly comment: string
    readonly result: string
    readonly jws: string
  }[]
}

const load = <T>(name: string): T => JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')) as T
const key = createKey('EdDSA', 'ed1')

test('JO-18: JSONTestSuite as claims and as header: what is no JSON is token_malformed, nothing is let in', {
  skip,
}, async () => {
  const { reason } = await createVerifying({ keys: [key], token: { profile: 'jwt' } })
  const { cases } = load<{ cases: readonly JsonCase[] }>('json-parsing.json')
  assert.ok(cases.length > 300)
  const brackets = [
    { name: 'brackets', expect: 'reject' as const, b64: Buffer.from('['.repeat(5000)).toString('base64') },
  ]
  for (const { name, expect, b64 } of [...cases, ...brackets]) {
    const bytes = Buffer.from(b64, 'base64')
    const object = bytes.toString('latin1').trimStart().startsWith('{')
    const asClaims = await reason(mint({ key, claims: bytes }))
    const asHeader = await reason(mint({ key, header: bytes }))
    if (expect === 'reject' || !object)
      assert.deepEqual([asClaims, asHeader], ['token_malformed', 'token_malformed'], name)
    // A good object without `iss` gets as far as that, as claims; as header it has no `typ` that anybody minds, nor an `alg`.
    const allowed = name.includes('duplicated_key')
      ? ['token_malformed']
      : ['token_malformed', 'claim_missing', 'algorithm_refused']
    assert.ok(allowed.includes(asClaims) && allowed.includes(asHeader), `${name} ${asClaims} ${asHeader}`)
    if (expect === 'accept' && object && !name.includes('duplicated_key')) assert.equal(asClaims, 'claim_missing', name)
  }
})

test('JO-18: JSONTestSuite as the value of a claim beside good ones', { skip }, async () => {
  const { reason } = await createVerifying({ keys: [key] })
  const { cases } = load<{ cases: readonly JsonCase[] }>('json-parsing.json')
  const head = JSON.stringify(goodClaims()).slice(0, -1)
  for (const { name, expect, b64 } of cases) {
    const claims = Buffer.concat([Buffer.from(`${head},"x":`), Buffer.from(b64, 'base64'), Buffer.from('}')])
    const found = await reason(mint({ key, claims }))
    const good = expect === 'accept' && !name.includes('duplicated_key')
    if (expect !== 'either') assert.equal(found, good ? 'none' : 'token_malformed', name)
    assert.ok(['none', 'token_malformed', 'token_too_long'].includes(found), name)
  }
})

for (const file of ['wycheproof-jws.json', 'wycheproof-jwk.json']) {
  test(`${file}: what is invalid is refused at the gateway, and nothing is internal`, { skip }, async () => {
    const { testGroups } = load<{ testGroups: readonly JoseGroup[] }>(file)
    const { keys, reason } = await createVerifying({ keys: [] })
    let run = 0
    for (const group of testGroups) {
      const jwks = keysOf(group)
      keys.answer(async ({ alg, kid }) => {
        for (const jwk of jwks) {
          if (kid !== undefined && jwk.kid !== undefined && jwk.kid !== kid) continue
          const imported = await importJWK(jwk, alg).catch(() => undefined)
          if (imported !== undefined && !(imported instanceof Uint8Array)) return pass(imported)
        }
        return refuse({ reason: 'key_unknown', issuer: 'main', fault: 'none fits' })
      })
      for (const { tcId, jws, result } of group.tests) {
        const found = await reason(jws)
        // The payloads are no claims sets: whatever the label, the gateway refuses, and for a reason of the client's.
        assert.ok(found !== 'none' && found !== 'internal', `${tcId} ${result} ${found}`)
        run++
      }
    }
    assert.ok(run > 20)
  })
}

test('wycheproof-jws.json at the layer of signatures: valid verifies, invalid does not', { skip }, async () => {
  const { testGroups } = load<{ testGroups: readonly JoseGroup[] }>('wycheproof-jws.json')
  // 346, 347, 350, 351: the key names another algorithm than the token; 372, 373: irregular base64url.
  const refusedThoughValid = new Set([346, 347, 350, 351, 372, 373])
  const irregular = new Set([360, 365, 368, 372, 373, 374, 375])
  let proven = 0
  for (const group of testGroups) {
    for (const { tcId, jws, result, comment } of group.tests) {
      const verdict = await verdictOf(jws, keysOf(group)[0])
      if (result === 'invalid' || refusedThoughValid.has(tcId)) assert.notEqual(verdict, 'proven', `${tcId} ${comment}`)
      // Symmetric keys are out of reach of this verifier, whatever the label.
      if (result === 'valid' && verdict !== 'proven' && !refusedThoughValid.has(tcId)) {
        assert.equal(keysOf(group)[0]?.kty, 'oct', `${tcId} ${comment} ${verdict}`)
      }
      if (verdict === 'proven') proven++
      // JO-14, JO-15: what jose takes for base64url and is none.
      if (irregular.has(tcId)) assert.equal(verdict, 'token_malformed', `${tcId} ${comment}`)
    }
  }
  assert.ok(proven > 10)
})

/** The text checks of `readCompact` and the signature, for payloads that need not be claims. */
const verdictOf = async (jws: string, jwk: JWK | undefined): Promise<string> => {
  const read = readCompact(jws)
  if (!read.ok && !(read.refusal.reason === 'token_malformed' && read.refusal.fault.startsWith('claims: '))) {
    return read.refusal.reason
  }
  if (jwk === undefined || jwk.kty === 'oct') return 'no asymmetric key'
  const alg = inspect(jws).header?.alg
  if (typeof alg !== 'string' || (jwk.alg !== undefined && jwk.alg !== alg)) return 'algorithm_refused'
  const imported = await importJWK(jwk, alg).catch(() => undefined)
  if (imported === undefined) return 'key_unknown'
  return (await checkSignature(jws, alg, imported as CryptoKey)) ? 'proven' : 'signature_invalid'
}

/** Public halves: a private key cannot verify. Keys for other uses are the key source's to drop (JO-6). */
const keysOf = ({ public: publicKey, private: privateKey }: JoseGroup): readonly JWK[] => {
  const given = publicKey ?? privateKey ?? { keys: [] }
  const list = 'keys' in given && Array.isArray(given.keys) ? (given.keys as readonly JWK[]) : [given as JWK]
  const forSignatures = list.filter(
    ({ use, key_ops: ops }) => (use ?? 'sig') === 'sig' && (ops ?? ['verify']).includes('verify'),
  )
  return forSignatures.map(({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half }) => half)
}
