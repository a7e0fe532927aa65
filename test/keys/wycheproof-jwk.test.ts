import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, type JWK } from 'jose'
import { createSelection } from '../../src/keys/selection.ts'
import { vetKeys } from '../../src/keys/vet.ts'
import { checkSignature } from '../../src/token/signature.ts'
import { allAlgorithms } from './test-keys.ts'

interface Group {
  readonly comment: string
  readonly public?: JWK | { readonly keys: readonly JWK[] }
  readonly private?: JWK | { readonly keys: readonly JWK[] }
  readonly tests: readonly { readonly tcId: number; readonly result: string; readonly jws: string }[]
}

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined ? 'AUDGATE_VECTORS is not set' : false

test('JO-5, JO-6, JO-7, JO-8: no key set of Wycheproof lets an invalid signature through', { skip }, async () => {
  const file = join(folder ?? '', 'wycheproof-jwk.json')
  const { testGroups }: { testGroups: readonly Group[] } = JSON.parse(readFileSync(file, 'utf8'))
  const verified: number[] = []
  for (const group of testGroups) {
    const given = group.public ?? group.private ?? {}
    const vetted = await vetKeys('keys' in given && Array.isArray(given.keys) ? given.keys : [given], allAlgorithms)
    const selection = await createSelection(createLocalJWKSet({ keys: vetted.keys.map(({ jwk }) => jwk) }), vetted)
    for (const { tcId, result, jws } of group.tests) {
      const { alg = '', kid } = decodeProtectedHeader(jws)
      const found = selection.find({ alg, kid })
      if (found.kind !== 'key' || !found.outcome.ok) continue
      const good = checkSignature(jws, alg, found.outcome.value)
      if (good) verified.push(tcId)
      assert.ok(!good || result === 'valid', `${tcId} ${group.comment}`)
    }
  }
  assert.deepEqual(verified, [5])
})
