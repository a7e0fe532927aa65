import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { createKey, NOW } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'
import { API, type Shape, signed } from '../token/profile/vendor.ts'
import { VENDORS } from '../token/profile/vendors.ts'

const key = createKey('RS256', 'rs1')

/** The example tokens are of another day: every date is moved to now. */
const today = ({ header, claims }: Shape): Shape => {
  const move = Math.floor(Date.now() / 1000) - NOW
  const moved = ['iat', 'nbf', 'exp', 'auth_time'].flatMap((claim) => {
    const date = claims[claim]
    return typeof date === 'number' ? [[claim, date + move] as const] : []
  })
  return { header, claims: { ...claims, ...Object.fromEntries(moved) } }
}

test('AT-3, AT-21: the access tokens of every vendor reach the API they are for, and none of their other tokens does', async (t) => {
  const upstream = await startUpstream(t)
  const names = VENDORS.map((_, at) => `issuer${at}`)
  const issuers = Object.fromEntries(
    VENDORS.map(({ issuer, profile }, at) => [names[at], { issuer, profile, keys: { jwks: { keys: [key.jwk] } } }]),
  )
  // What is not bound to its sender can be sent as it is.
  const accessTokens = VENDORS.flatMap(({ accessTokens }) => Object.entries(accessTokens)).filter(
    ([, { claims }]) => claims.cnf === undefined,
  )
  // Entra ID writes what was registered there: an identifier of its own.
  const spellings = [...new Set(accessTokens.flatMap(([, { says }]) => says.audience))].filter((audience) =>
    /^(api:|[0-9a-f-]+$)/.test(audience),
  )
  const entry = { resource: API, at: '/orders', issuers: names, accept_audiences: spellings }
  const routes = {
    'GET /cognito': 'orders:read',
    'GET /{name}': 'authenticated',
  }
  const gateway = await startGateway(
    t,
    `issuers: ${JSON.stringify(issuers)}\nupstreams: ${JSON.stringify({ [upstream.url]: { ...entry, routes } })}\n`,
  )
  const call = async (path: string, token: string): Promise<string> => {
    const answer = await fetch(`${gateway.url}/orders/${path}`, { headers: { authorization: `Bearer ${token}` } })
    return answer.status === 200 ? 'allowed' : String((await jsonOf(answer)).reason)
  }
  for (const [name, shape] of accessTokens) assert.equal(await call('x', signed(today(shape), key)), 'allowed', name)
  const allowed = upstream.seen.length
  assert.equal(allowed, accessTokens.length)

  for (const { issuer, others } of VENDORS) {
    for (const [name, other] of Object.entries(others)) {
      const isJwt = typeof other !== 'string'
      const reason = await call('x', isJwt ? signed(today(other), key) : other)
      const expected = isJwt ? ['token_type_wrong'] : ['token_opaque', 'token_malformed', 'decryption_failed']
      assert.ok(expected.includes(reason), `${name} of ${issuer}: ${reason}`)
    }
  }

  // The scopes of Cognito count at the resource whose identifier is before them.
  const cognito = VENDORS.find(({ profile }) => profile === 'cognito')?.accessTokens['Cognito, user']
  assert.ok(cognito !== undefined)
  assert.equal(await call('cognito', signed(today(cognito), key)), 'allowed')
  const elsewhere = { ...cognito, claims: { ...cognito.claims, aud: API, scope: `${API}/x/orders:read orders:reads` } }
  assert.equal(await call('cognito', signed(today(elsewhere), key)), 'scope_insufficient')
  assert.equal(upstream.seen.length, allowed + 1)
})
