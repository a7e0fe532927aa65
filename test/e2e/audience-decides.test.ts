import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf } from '../support/json.ts'
import { loggedRequests } from '../support/logged.ts'
import { startOrders } from '../support/orders.ts'

test('RI-6: a token for this resource reaches its upstream, a token for another one does not', async (t) => {
  const stage = await startOrders(t, { scopes: 'orders:read' })
  const ask = (token?: string) =>
    fetch(`${stage.url}/orders/42?x=1`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

  const good = await ask(stage.token())
  assert.equal(good.status, 200)
  assert.equal((await jsonOf(good)).target, '/42?x=1')

  const other = await ask(stage.token({ aud: 'https://api.test/billing' }))
  assert.equal(other.status, 401)
  assert.equal((await jsonOf(other)).reason, 'audience_mismatch')

  const none = await ask()
  assert.equal(none.status, 401)
  assert.equal(
    none.headers.get('www-authenticate'),
    'Bearer scope="orders:read", resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"',
  )
  assert.equal(stage.upstream.seen.length, 1)
})

test('contract section 8: a refused token is logged under its issuer, also when it failed before it was proven', async (t) => {
  const stage = await startOrders(t)
  const past = { iat: 1, exp: 2 }
  for (const claims of [past, { jti: undefined }, { aud: 'urn:other' }]) {
    await fetch(`${stage.url}/orders`, { headers: { authorization: `Bearer ${stage.token(claims)}` } })
  }
  const lines = await loggedRequests(stage, 3)
  assert.deepEqual(
    lines.map(({ reason, issuer }) => `${reason} ${issuer}`),
    ['token_expired main', 'claim_missing main', 'audience_mismatch main'],
  )
})

test('contract section 8: the log says what a refused token came near to, also under another issuer', async (t) => {
  const stage = await startOrders(t)
  for (const claims of [{ iss: 'https://other.test' }, { aud: 'https://api.test/orders/' }, { scope: 'x' }]) {
    await fetch(`${stage.url}/orders`, { headers: { authorization: `Bearer ${stage.token(claims)}` } })
  }
  const [issuer, audience] = await loggedRequests(stage, 3)
  assert.match(String(issuer?.detail), /the audience is right, the issuer is not one of this resource/)
  assert.match(String(audience?.detail), /differs only in the trailing slash/)
})
