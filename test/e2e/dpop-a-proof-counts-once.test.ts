import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createProver, presenting } from '../support/dpop.ts'
import { jsonOf } from '../support/json.ts'
import { liveToken, startOrders } from '../support/orders.ts'
import { startRawUpstream, startUpstream } from '../support/upstream.ts'

const alice = await createProver()
const cnf = { jkt: alice.jkt }

const startStage = async (t: TestContext, entry = {}, options: Parameters<typeof startOrders>[2] = {}) => {
  const stage = await startOrders(t, entry, options)
  const uri = `${stage.url}/orders/1`
  const ask = async (token: string, proof: string): Promise<string> => {
    const response = await fetch(uri, { headers: presenting(token, proof) })
    return response.ok ? 'passed' : `${response.status} ${(await jsonOf(response)).reason}`
  }
  return { ...stage, uri, ask, bound: (claims = {}) => liveToken({ cnf, ...claims }) }
}

test('DP-15: the same proof passes once, a fresh proof with its jti does not pass, and another does', async (t) => {
  const { ask, bound, uri, upstream } = await startStage(t)
  const token = bound()
  const proof = alice.prove({ token, uri, claims: { jti: 'once' } })
  assert.equal(await ask(token, proof), 'passed')
  assert.equal(await ask(token, proof), '401 proof_replayed')
  assert.equal(await ask(token, alice.prove({ token, uri, claims: { jti: 'once' } })), '401 proof_replayed')
  // The replay key is of the key, the URI and the jti: another token makes no difference.
  const renewed = bound({ jti: 'renewed' })
  assert.equal(await ask(renewed, alice.prove({ token: renewed, uri, claims: { jti: 'once' } })), '401 proof_replayed')
  assert.equal(await ask(token, alice.prove({ token, uri })), 'passed')
  assert.equal(upstream.seen.length, 2)
})

test('DP-14: a replay and a proof that is wrong are challenged as such, with the algorithms', async (t) => {
  const { ask, bound, uri } = await startStage(t)
  const token = bound()
  const proof = alice.prove({ token, uri })
  await ask(token, proof)
  for (const [sent, detail] of [
    [proof, 'The DPoP proof was used before.'],
    [alice.prove({ token: 'another', uri }), 'The DPoP proof is not valid here.'],
  ] as const) {
    const { status, headers } = await fetch(uri, { headers: presenting(token, sent) })
    assert.equal(status, 401)
    assert.equal(
      headers.get('www-authenticate'),
      `DPoP error="invalid_dpop_proof", error_description="${detail}", ` +
        'algs="ES256 ES384 PS256 RS256 EdDSA Ed25519", ' +
        'resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"',
    )
    assert.equal(headers.get('cache-control'), 'no-store')
  }
})

test('DP-15: many requests at once with one proof, and one of them passes', async (t) => {
  const { ask, bound, uri, upstream } = await startStage(t)
  const token = bound()
  const proof = alice.prove({ token, uri })
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => ask(token, proof)))
  assert.deepEqual(outcomes.sort(), [...Array.from({ length: 7 }, () => '401 proof_replayed'), 'passed'])
  assert.equal(upstream.seen.length, 1)
})

test('contract section 4: a proof with too small a token is used up, with a token of another resource it is not', async (t) => {
  const { ask, bound, uri, upstream } = await startStage(t, { scopes: 'orders:read' })
  const small = bound({ scope: 'orders:list' })
  const used = alice.prove({ token: small, uri })
  assert.equal(await ask(small, used), '403 scope_insufficient')
  assert.equal(await ask(small, used), '401 proof_replayed')

  const jti = 'kept'
  const foreign = bound({ aud: 'https://api.test/billing' })
  for (let time = 0; time < 2; time++) {
    assert.equal(await ask(foreign, alice.prove({ token: foreign, uri, claims: { jti } })), '401 audience_mismatch')
  }
  const token = bound()
  assert.equal(await ask(token, alice.prove({ token, uri, claims: { jti } })), 'passed')
  assert.equal(upstream.seen.length, 1)
})

test('attacks 1.11: who guesses a jti cannot burn it, neither with a bad proof nor with a key of his own', async (t) => {
  const { ask, bound, uri } = await startStage(t)
  const mallory = await createProver()
  const token = bound()
  const claims = { jti: 'guessed' }
  const forged = mallory.prove({ token, uri, claims, header: { jwk: alice.jwk } })
  assert.equal(await ask(token, forged), '401 proof_invalid')
  assert.equal(await ask(token, mallory.prove({ token, uri, claims })), '401 binding_mismatch')
  const own = liveToken({ cnf: { jkt: mallory.jkt } })
  assert.equal(await ask(own, mallory.prove({ token: own, uri, claims })), 'passed')
  assert.equal(await ask(token, alice.prove({ token, uri, claims })), 'passed')
})

test('DP-20: a proof is used up when the upstream failed too: who tries again needs a new one', async (t) => {
  const silent = await startRawUpstream(t, (socket) => socket.once('data', () => socket.destroy()))
  const behind = { ...(await startUpstream(t)), url: silent.url }
  const { ask, bound, uri } = await startStage(t, {}, { upstream: behind })
  const token = bound()
  const proof = alice.prove({ token, uri })
  assert.match(await ask(token, proof), /^502 /)
  assert.equal(await ask(token, proof), '401 proof_replayed')
  assert.match(await ask(token, alice.prove({ token, uri })), /^502 /)
})

const nonceAt = async (url: string, token: string): Promise<string> => {
  const answer = await fetch(url, { headers: presenting(token, alice.prove({ token, uri: url })) })
  assert.equal((await jsonOf(answer)).reason, 'nonce_required')
  assert.match(answer.headers.get('www-authenticate') ?? '', /^DPoP error="use_dpop_nonce"/)
  return answer.headers.get('dpop-nonce') ?? assert.fail('no nonce')
}

test('DP-16, DP-17: replicas take the nonces of each other where they share the secret, and only there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-nonce-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'secret')
  writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`)
  for (const [dpop, expected] of [
    [{ nonces: true, nonce_secret_file: file }, 'passed'],
    [{ nonces: true }, '401 nonce_required'],
  ] as const) {
    const extra = `dpop: ${JSON.stringify(dpop)}\n`
    const first = await startStage(t, {}, { extra })
    const second = await startStage(t, {}, { extra })
    const token = first.bound()
    const nonce = await nonceAt(first.uri, token)
    const proofFor = (uri: string) => alice.prove({ token, uri, claims: { nonce } })
    assert.equal(await first.ask(token, proofFor(first.uri)), 'passed')
    assert.equal(await second.ask(token, proofFor(second.uri)), expected)
  }
})
