import assert from 'node:assert/strict'
import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JWK } from 'jose'
import { pass, refuse } from '../../src/decision/refusal.ts'
import { readCompact } from '../../src/token/compact.ts'
import { inspect } from '../../src/token/inspect.ts'
import { checkSignature, checkSignatureAside } from '../../src/token/signature.ts'
import { ALGORITHMS } from '../support/tokens.ts'
import { createVerifying } from '../support/verifying.ts'

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined && 'AUDGATE_VECTORS is not set: the public test vectors are not on this machine'

interface Group {
  readonly public?: JWK | { readonly keys: readonly JWK[] }
  readonly private?: JWK | { readonly keys: readonly JWK[] }
  readonly tests: readonly {
    readonly tcId: number
    readonly comment: string
    readonly result: string
    readonly jws: string
  }[]
}

const load = (name: string): { readonly testGroups: readonly Group[] } =>
  JSON.parse(readFileSync(join(folder ?? '', name), 'utf8'))

for (const file of ['wycheproof-jws.json', 'wycheproof-jwk.json']) {
  test(`${file}: what is invalid is refused at the gateway, and nothing is internal`, { skip }, async () => {
    const algorithms = [...ALGORITHMS, 'HS256', 'HS384', 'HS512']
    const { keys, reason } = await createVerifying({ keys: [], token: { algorithms } })
    let run = 0
    for (const group of load(file).testGroups) {
      const jwks = keysOf(group)
      keys.answer(({ kid }) => {
        const named = jwks.filter((jwk) => kid === undefined || jwk.kid === undefined || jwk.kid === kid)
        const key = named.map(keyOf).find((found) => found !== undefined)
        return key === undefined ? refuse({ reason: 'key_unknown', issuer: 'main', fault: 'none fits' }) : pass(key)
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
  // 346, 347, 350, 351: the key names another algorithm than the token; 372, 373: irregular base64url.
  const refusedThoughValid = new Set([346, 347, 350, 351, 372, 373])
  const irregular = new Set([360, 365, 368, 372, 373, 374, 375])
  const { testGroups } = load('wycheproof-jws.json')
  // 367 and 370 are meant to have padding and have none: they are 357, letter for letter.
  const mislabelled = new Set([367, 370])
  const good = testGroups.flatMap(({ tests }) => tests).find(({ tcId }) => tcId === 357)?.jws
  const proven = new Set<string>()
  for (const group of testGroups) {
    const [jwk] = keysOf(group)
    for (const { tcId, jws, result, comment } of group.tests) {
      const verdict = await verdictOf(jws, jwk)
      if (mislabelled.has(tcId)) assert.equal(jws, good)
      const expected = mislabelled.has(tcId) || (result === 'valid' && !refusedThoughValid.has(tcId))
      assert.equal(verdict === 'proven', expected, `${tcId} ${comment} ${verdict}`)
      if (verdict === 'proven') proven.add(String(inspect(jws).header?.alg))
      // JO-14, JO-15: what jose takes for base64url and is none.
      if (irregular.has(tcId)) assert.equal(verdict, 'token_malformed', `${tcId} ${comment}`)
    }
  }
  assert.deepEqual([...proven].sort(), ['ES256', 'HS256', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'])
})

/** The text checks of `readCompact` and the signature, for payloads that need not be claims. */
const verdictOf = async (jws: string, jwk: JWK | undefined): Promise<string> => {
  const read = readCompact(jws)
  if (!read.ok && !(read.refusal.reason === 'token_malformed' && read.refusal.fault.startsWith('claims: '))) {
    return read.refusal.reason
  }
  const alg = inspect(jws).header?.alg
  if (jwk === undefined || typeof alg !== 'string' || (jwk.alg !== undefined && jwk.alg !== alg)) {
    return 'algorithm_refused'
  }
  const key = keyOf(jwk)
  if (key === undefined) return 'key_unknown'
  const signed = checkSignature(jws, alg, key)
  if (key.type === 'public') assert.equal(await checkSignatureAside(jws, alg, key), signed)
  return signed ? 'proven' : 'signature_invalid'
}

const keyOf = (jwk: JWK): KeyObject | undefined => {
  try {
    return jwk.kty === 'oct'
      ? createSecretKey(Buffer.from(jwk.k ?? '', 'base64url'))
      : createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** Public halves: a private key cannot verify. Keys for other uses are the key source's to drop (JO-6). */
const keysOf = ({ public: publicKey, private: privateKey }: Group): readonly JWK[] => {
  const given = publicKey ?? privateKey ?? { keys: [] }
  const list = 'keys' in given && Array.isArray(given.keys) ? (given.keys as readonly JWK[]) : [given as JWK]
  const forSignatures = list.filter(
    ({ use, key_ops: ops }) => (use ?? 'sig') === 'sig' && (ops ?? ['verify']).includes('verify'),
  )
  return forSignatures.map(({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half }) => half)
}
