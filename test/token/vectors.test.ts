import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createKey, goodClaims, mint } from '../support/tokens.ts'
import { createVerifying } from '../support/verifying.ts'

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined && 'AUDGATE_VECTORS is not set: the public test vectors are not on this machine'

interface JsonCase {
  readonly name: string
  readonly expect: 'accept' | 'reject' | 'either'
  readonly b64: string
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
