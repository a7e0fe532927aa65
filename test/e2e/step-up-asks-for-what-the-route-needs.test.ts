import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { parseChallenges } from '../support/challenges.ts'
import { createProver } from '../support/dpop.ts'
import { jsonOf } from '../support/json.ts'
import { loggedRequests } from '../support/logged.ts'
import { liveToken, startOrders } from '../support/orders.ts'

const mfa = 'urn:example:mfa'
const key = 'urn:example:key'
const routes = {
  'GET /open': 'authenticated',
  'GET /mfa': { acr: [key, mfa] },
  'GET /fresh': { max_age: '5m' },
  'POST /pay': { scopes: 'orders:pay', acr: [key], max_age: '5m' },
  'GET /bound': { acr: [key], max_age: '0s', sender_constrained: true },
}
const metadata = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"'
const stepUp =
  'error="insufficient_user_authentication", error_description="The user must authenticate in another way, or again."'

/** Seconds before now. */
const ago = (seconds: number): number => Math.floor(Date.now() / 1000) - seconds

/** The challenges as they came, line by line: `fetch` would join them. */
const challengesOf = (port: number, path: string, headers: Readonly<Record<string, string>>) =>
  new Promise<{ readonly status: number | undefined; readonly lines: readonly string[] }>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host: 'api.test', ...headers } }, (response) => {
      response.resume()
      resolve({ status: response.statusCode, lines: response.headersDistinct['www-authenticate'] ?? [] })
    })
      .on('error', reject)
      .end()
  })

const cases: readonly (readonly [string, string, Record<string, unknown>, string | undefined])[] = [
  ['SU-5: the second value of two', '/mfa', { acr: mfa }, undefined],
  ['SU-5: a value that is not listed', '/mfa', { acr: 'urn:example:pwd' }, `acr_values="${key} ${mfa}"`],
  ['SU-3: no acr', '/mfa', {}, `acr_values="${key} ${mfa}"`],
  ['SU-3: an acr that is a list', '/mfa', { acr: [mfa] }, `acr_values="${key} ${mfa}"`],
  ['SU-3: a fresh login', '/fresh', { auth_time: ago(10) }, undefined],
  ['SU-3: a login within the leeway', '/fresh', { auth_time: ago(310) }, undefined],
  ['SU-3: a stale login', '/fresh', { auth_time: ago(340) }, 'max_age="300"'],
  ['SU-3: no auth_time', '/fresh', {}, 'max_age="300"'],
  ['SU-3: auth_time as a text', '/fresh', { auth_time: String(ago(10)) }, 'max_age="300"'],
  ['SU-3: auth_time in milliseconds', '/fresh', { auth_time: Date.now() }, 'max_age="300"'],
  ['SU-3: auth_time to come', '/fresh', { auth_time: ago(-3600) }, 'max_age="300"'],
  ['AT-17: a new token of a stale login', '/fresh', { auth_time: ago(3600), iat: ago(1) }, 'max_age="300"'],
]

test('SU-1, SU-3, SU-5, SU-6: an unmet requirement is 401 with what to ask for, and nothing reaches the upstream', async (t) => {
  const stage = await startOrders(t, { routes })
  for (const [what, path, claims, parameters] of cases) {
    const before = stage.upstream.seen.length
    const answer = await fetch(`${stage.url}/orders${path}`, {
      headers: { authorization: `Bearer ${stage.token(claims)}` },
    })
    const { reason } = await jsonOf(answer)
    const challenge = answer.headers.get('www-authenticate')
    assert.equal(answer.status, parameters === undefined ? 200 : 401, what)
    assert.equal(challenge, parameters === undefined ? null : `Bearer ${stepUp}, ${parameters}, ${metadata}`, what)
    if (parameters !== undefined) assert.equal(reason, 'authentication_insufficient', what)
    assert.equal(stage.upstream.seen.length - before, parameters === undefined ? 1 : 0, what)
  }
})

test('SU-4: who brings no token, or none that is good here, does not learn what the route asks of users', async (t) => {
  const stage = await startOrders(t, { routes })
  const challengeOf = async (token?: string): Promise<string | null> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await fetch(`${stage.url}/orders/pay`, { method: 'POST', headers })
    return answer.headers.get('www-authenticate')
  }
  assert.equal(await challengeOf(), `Bearer scope="orders:pay", ${metadata}`)
  for (const claims of [{ aud: 'urn:other' }, { exp: 1 }, { iss: 'https://evil.test' }, { scope: 'orders:read' }]) {
    assert.doesNotMatch((await challengeOf(stage.token(claims))) ?? '', /acr_values|max_age/)
  }
})

test('SU-2: scopes are asked for before the user is; then both requirements come in one challenge', async (t) => {
  const stage = await startOrders(t, { routes })
  const ask = (claims: Record<string, unknown>) =>
    fetch(`${stage.url}/orders/pay`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.token(claims)}` },
    })
  const first = await ask({ scope: 'orders:read' })
  assert.equal(`${first.status} ${(await jsonOf(first)).reason}`, '403 scope_insufficient')
  const second = await ask({ scope: 'orders:pay' })
  assert.equal(second.status, 401)
  assert.equal(
    second.headers.get('www-authenticate'),
    `Bearer ${stepUp}, acr_values="${key}", max_age="300", ${metadata}`,
  )
  const third = await ask({ scope: 'orders:pay', acr: key, auth_time: ago(1) })
  assert.equal(third.status, 200)
})

test('SU-6: step-up is asked for in the words of DPoP where DPoP was used, and a proof does not replace the user', async (t) => {
  const stage = await startOrders(t, { at: 'https://api.test/orders', routes })
  const prover = await createProver()
  const token = liveToken({ cnf: { jkt: prover.jkt }, acr: mfa })
  const uri = 'https://api.test/orders/bound'
  const headers = { authorization: `DPoP ${token}`, dpop: prover.prove({ token, uri }) }
  const { status, lines } = await challengesOf(stage.port, '/orders/bound', headers)
  assert.equal(status, 401)
  const [challenge, ...more] = parseChallenges(lines)
  assert.deepEqual(more, [])
  assert.equal(challenge?.scheme, 'DPoP')
  assert.equal(challenge?.parameters.get('error'), 'insufficient_user_authentication')
  assert.equal(challenge?.parameters.get('acr_values'), key)
  assert.equal(challenge?.parameters.get('max_age'), '0')
  assert.match(challenge?.parameters.get('algs') ?? '', /\bES256\b/)
  assert.match(challenge?.parameters.get('resource_metadata') ?? '', /oauth-protected-resource\/orders$/)
})

test('BR-16, SU-4: a sender-constrained route challenges in two field lines, and neither tells of users', async (t) => {
  const stage = await startOrders(t, { routes })
  const { status, lines } = await challengesOf(stage.port, '/orders/bound', {})
  assert.equal(status, 401)
  assert.deepEqual(lines, [`Bearer ${metadata}`, `DPoP algs="ES256 ES384 PS256 RS256 EdDSA Ed25519", ${metadata}`])
})

test('contract sections 7 and 8: log and metrics call it authentication_insufficient, and the log says what was found', async (t) => {
  const stage = await startOrders(t, { routes })
  const headers = (claims: Record<string, unknown>) => ({ authorization: `Bearer ${stage.token(claims)}` })
  await fetch(`${stage.url}/orders/mfa`, { headers: headers({ acr: 'urn:example:pwd' }) })
  await fetch(`${stage.url}/orders/fresh`, { headers: headers({}) })
  const details = (await loggedRequests(stage, 2)).map(({ reason, level, detail }) => `${reason} ${level} ${detail}`)
  assert.deepEqual(details, [
    `authentication_insufficient info acr: expected ${key} or ${mfa}, got urn:example:pwd`,
    'authentication_insufficient info auth_time: expected at most 300 s ago (+30 s), got none (does the issuer write `auth_time` into access tokens?)',
  ])
  const metrics = await stage.metrics()
  for (const route of ['GET /mfa', 'GET /fresh']) {
    const labels = `resource="orders",route="${route}",decision="deny",reason="authentication_insufficient"`
    assert.ok(metrics.includes(`audgate_decisions_total{${labels}} 1`), route)
  }
})
