import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createProver, presenting } from '../support/dpop.ts'
import { jsonOf } from '../support/json.ts'
import { liveToken, startOrders } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'

const alice = await createProver()
const mallory = await createProver()
const bound = (claims = {}): string => liveToken({ cnf: { jkt: alice.jkt }, ...claims })

const startStage = async (t: TestContext, entry = {}) => {
  const stage = await startOrders(t, entry)
  const ask = async (headers: Readonly<Record<string, string>>, path = '/orders/1') => {
    const response = await fetch(`${stage.url}${path}`, { headers })
    const reason = response.ok ? 'passed' : `${response.status} ${(await jsonOf(response)).reason}`
    return { reason, challenge: response.headers.get('www-authenticate') ?? '' }
  }
  return { ...stage, ask, uri: `${stage.url}/orders/1` }
}

test('DP-12: a bound token sent as Bearer is refused with a DPoP challenge, with a good proof or without', async (t) => {
  const { ask, uri, upstream } = await startStage(t)
  const token = bound()
  for (const proof of [undefined, alice.prove({ token, uri })]) {
    for (const scheme of ['Bearer', 'bearer']) {
      const { reason, challenge } = await ask(presenting(token, proof, scheme))
      assert.equal(reason, '401 proof_missing')
      assert.match(challenge, /^DPoP error="invalid_token", .*algs="ES256 /)
    }
  }
  assert.equal(upstream.connections(), 0)
  // That proof was not looked at, and is still good.
  const proof = alice.prove({ token, uri })
  await ask(presenting(token, proof, 'Bearer'))
  assert.equal((await ask(presenting(token, proof))).reason, 'passed')
})

test('DP-11: an unbound token under DPoP is refused, however good the proof', async (t) => {
  const { ask, uri, upstream } = await startStage(t)
  const token = liveToken()
  for (const proof of [undefined, alice.prove({ token, uri })]) {
    const { reason, challenge } = await ask(presenting(token, proof))
    assert.equal(reason, '401 binding_mismatch')
    assert.match(challenge, /^DPoP error="invalid_token", .*algs="ES256 /)
  }
  assert.equal((await ask(presenting(token, alice.prove({ token, uri }), 'Bearer'))).reason, 'passed')
  assert.equal(upstream.seen.length, 1)
})

const confirmations: readonly (readonly [string, unknown, string])[] = [
  ['as a list', { jkt: [alice.jkt] }, '401 token_malformed'],
  ['empty', { jkt: '' }, '401 binding_mismatch'],
  ['of another key', { jkt: mallory.jkt }, '401 binding_mismatch'],
  ['with padding', { jkt: `${alice.jkt}=` }, '401 binding_mismatch'],
  ['absent from cnf', {}, '401 proof_missing'],
  ['beside cnf', undefined, '401 binding_mismatch'],
]
for (const [name, cnf, expected] of confirmations) {
  test(`DP-10, CN-1: a good proof does not help a token whose jkt is ${name}`, async (t) => {
    const { ask, uri, upstream } = await startStage(t)
    const token = liveToken({ cnf, jkt: alice.jkt })
    const { reason } = await ask(presenting(token, alice.prove({ token, uri })))
    assert.equal(reason, expected)
    assert.equal(upstream.connections(), 0)
  })
}

test('DP-10: a stolen token with a proof by the key of the thief is refused', async (t) => {
  const { ask, uri, upstream } = await startStage(t)
  const token = bound()
  const { reason, challenge } = await ask(presenting(token, mallory.prove({ token, uri })))
  assert.equal(reason, '401 binding_mismatch')
  assert.match(challenge, /^DPoP error="invalid_token"/)
  assert.equal(upstream.connections(), 0)
})

test('DP-1: none, two, and two in one line are refused, and then the proof is still good', async (t) => {
  const { port, uri, upstream } = await startStage(t)
  const token = bound()
  const proof = alice.prove({ token, uri })
  const send = async (lines: readonly string[]): Promise<string> => {
    const head = ['GET /orders/1 HTTP/1.1', `Host: 127.0.0.1:${port}`, `Authorization: DPoP ${token}`, ...lines]
    const { status, text } = await sendRaw(port, requestBytes(head), { until: wholeAnswer })
    return `${status} ${/"reason":"(\w+)"/.exec(text)?.[1] ?? ''}`
  }
  assert.equal(await send([]), '401 proof_missing')
  for (const lines of [
    [`DPoP: ${proof}`, `DPoP: ${proof}`],
    [`DPoP: ${proof}`, `dpop: ${alice.prove({ token, uri })}`],
    [`DPoP: ${proof}, ${proof}`],
    [`DPoP: ${proof}`, 'DPoP:'],
    ['DPoP:'],
  ]) {
    assert.equal(await send(lines), '401 proof_invalid', lines.map((line) => line.slice(0, 12)).join())
  }
  assert.equal(upstream.connections(), 0)
  assert.equal(await send([`dPoP: ${proof}`]), '200 ')
})

test('DP-18: nothing in Proxy-Authorization is a credential or a proof', async (t) => {
  const { ask, uri, upstream } = await startStage(t)
  const token = bound()
  const proof = alice.prove({ token, uri })
  assert.equal((await ask({ 'proxy-authorization': `DPoP ${token}`, dpop: proof })).reason, '401 token_missing')
  assert.equal(
    (await ask({ authorization: `DPoP ${token}`, 'proxy-authorization': `DPoP ${proof}` })).reason,
    '401 proof_missing',
  )
  assert.equal(upstream.connections(), 0)
})

test('sender_constrained: where it is written, an unbound token is refused and both schemes are offered', async (t) => {
  const whole = await startStage(t, { sender_constrained: true })
  const route = await startStage(t, {
    routes: { '/bound': { sender_constrained: true }, '/**': 'authenticated' },
  })
  for (const [stage, path] of [
    [whole, '/orders/1'],
    [route, '/orders/bound'],
  ] as const) {
    const { reason, challenge } = await stage.ask(presenting(liveToken(), undefined, 'Bearer'), path)
    assert.equal(reason, '401 binding_mismatch', path)
    assert.match(challenge, /^Bearer error="invalid_token".*, DPoP algs="ES256 /, path)
    const none = await stage.ask({}, path)
    assert.equal(none.reason, '401 token_missing', path)
    assert.match(none.challenge, /^Bearer .*, DPoP algs="ES256 /, path)
    const token = bound()
    const proof = alice.prove({ token, uri: `${stage.url}${path}` })
    assert.equal((await stage.ask(presenting(token, proof), path)).reason, 'passed', path)
  }
  const { reason, challenge } = await route.ask(presenting(liveToken(), undefined, 'Bearer'))
  assert.equal(reason, 'passed')
  assert.equal(challenge, '')
})

test('PR-7, PR-8: the metadata say which proofs are accepted, and where one is always needed', async (t) => {
  const documentOf = async (entry: Readonly<Record<string, unknown>>, extra?: string) => {
    const { url } = await startOrders(t, entry, extra === undefined ? {} : { extra })
    return jsonOf(await fetch(`${url}/.well-known/oauth-protected-resource/orders`))
  }
  const free = await documentOf({})
  assert.deepEqual(free.dpop_signing_alg_values_supported, ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519'])
  assert.equal('dpop_bound_access_tokens_required' in free, false)
  const constrained = await documentOf({ sender_constrained: true }, 'dpop: { algorithms: [ES256] }\n')
  assert.deepEqual(constrained.dpop_signing_alg_values_supported, ['ES256'])
  assert.equal(constrained.dpop_bound_access_tokens_required, true)
})
