import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearMiss } from '../../../src/decision/near-miss.ts'
import { createKey } from '../../support/tokens.ts'
import { judge, shapeOf } from './judge.ts'
import { logtoVendor } from './logto.ts'
import { opaque } from './vendor.ts'
import { verifyAs } from './verify-as.ts'

const user = shapeOf(logtoVendor.accessTokens, 'Logto, user in an organization')

test('AT-1: typ is at+jwt', () => {
  assert.equal(judge('logto', user), undefined)
  for (const typ of [undefined, 'JWT', 'id_token', 'logout+jwt']) {
    assert.equal(judge('logto', { ...user, header: { typ } })?.expected, 'at+jwt', typ)
  }
})

test('a token that was asked for without `resource` is opaque, and the operator is told so', async () => {
  const verify = await verifyAs(logtoVendor.issuer, createKey('ES256', 'es1'))
  const outcome = await verify('logto', opaque)
  assert.ok(!outcome.ok && outcome.refusal.reason === 'token_opaque')
  assert.match(nearMiss(outcome.refusal, undefined) ?? '', /was `resource` sent to the authorization server\?/)
})
