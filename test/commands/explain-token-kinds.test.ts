import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { run } from '../../src/commands/explain.ts'
import type { Explanation } from '../../src/commands/explanation.ts'
import { createNonces } from '../../src/token/dpop/nonces.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { createProver } from '../support/dpop.ts'
import { createDecryptionJwk, encrypt } from '../support/encryption-keys.ts'
import { raw, startIntrospectionServer } from '../support/introspection-server.ts'
import { liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { issue } from '../support/tls.ts'

const alice = await createProver()
const encryptionKey = createDecryptionJwk('P-256', { kid: 'e1' })
const certificate = issue('client')
const clientCert = `:${certificate.der.toString('base64')}:`
const thumbprint = createHash('sha256').update(certificate.der).digest('base64url')

const rules = {
  'GET /{id}': 'orders:read',
  'GET /bound': { sender_constrained: true },
  'GET /acr': { acr: ['urn:example:mfa'], max_age: '5m' },
  'GET /payments': { authorization_details: { type: 'payment', actions: ['read'] } },
  'GET /roles': { claims: { 'realm_access.roles': 'clerk' } },
}

interface Setting {
  readonly introspection?: object
  /** Whether the config believes any proxy. */
  readonly trusted?: boolean
  readonly dpop?: object
  readonly tls?: object
  /** Members of the issuer. */
  readonly issuer?: object
}

/** Explains one request as JSON. */
const explain = async (
  t: TestContext,
  path: string,
  args: readonly string[],
  { introspection, trusted = true, dpop = {}, tls, issuer: members = {} }: Setting = {},
): Promise<Explanation & { readonly status: number; readonly output: string }> => {
  const issuer = {
    issuer: 'https://as.test/oidc',
    keys: { jwks: { keys: [liveKey.jwk] } },
    decryption: { jwks_file: temporaryFile(t, 'private.json', JSON.stringify({ keys: [encryptionKey] })) },
    ...(introspection && { introspection }),
    ...members,
  }
  const config = {
    listen: { address: '127.0.0.1:0', trusted_proxies: trusted ? ['10.0.0.0/8'] : [], ...(tls && { tls }) },
    dpop,
    issuers: { main: issuer },
    upstreams: { 'http://127.0.0.1:9': { resource: ORDERS, name: 'orders', routes: rules } },
  }
  let output = ''
  const write = (text: string): void => {
    output += text
  }
  const file = temporaryFile(t, 'audgate.yaml', JSON.stringify(config))
  const asked = ['--config', file, '--url', `${ORDERS}${path}`, ...args, '--format', 'json']
  const status = await run(asked, { stdout: write, stderr: write, env: {} })
  return { ...JSON.parse(output), status, output }
}

const stepOf = ({ steps }: Explanation, name: string) => {
  const step = steps.find((one) => one.name === name)
  assert.ok(step, `${name} is not among ${steps.map((one) => one.name).join()}`)
  return step
}

test('explain: a DPoP proof is checked as the server would, as often as one likes', async (t) => {
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  const proof = alice.prove({ token, uri: `${ORDERS}/42` })
  for (const _ of [1, 2]) {
    const explained = await explain(t, '/42', ['--token', token, '--header', `DPoP: ${proof}`])
    assert.equal(explained.reason, 'none', explained.output)
    assert.deepEqual(stepOf(explained, 'sender constraint').ok, true)
    assert.ok(!explained.output.includes(proof) && !explained.output.includes(token))
  }
  const elsewhere = await explain(t, '/43', ['--token', token, '--header', `DPoP: ${proof}`])
  assert.equal(elsewhere.reason, 'proof_invalid')
  assert.match(stepOf(elsewhere, 'sender constraint').found, /htu/)
  const bare = await explain(t, '/42', ['--token', token])
  assert.equal(bare.reason, 'proof_missing')
  assert.match(bare.near_miss ?? '', /DPoP scheme/)
  assert.match(String(bare.response?.headers['WWW-Authenticate']), /^DPoP error="invalid_token"/)
})

test('explain: an unbound token where binding is needed', async (t) => {
  const nothing = await explain(t, '/bound', [])
  assert.equal(nothing.reason, 'token_missing')
  const challenges = [nothing.response?.headers['WWW-Authenticate'] ?? []].flat()
  assert.deepEqual(
    challenges.map((challenge) => challenge.split(' ', 1)[0]),
    ['Bearer', 'DPoP'],
  )
  const explained = await explain(t, '/bound', ['--token', liveToken()])
  assert.equal(explained.reason, 'binding_mismatch')
  assert.equal(stepOf(explained, 'sender constraint').ok, false)
})

test('MT-4: explain takes the certificate of a proxy where the config believes one, and only there', async (t) => {
  const token = liveToken({ cnf: { 'x5t#S256': thumbprint } })
  const args = ['--token', token, '--header', `Client-Cert: ${clientCert}`]
  assert.equal((await explain(t, '/42', args)).reason, 'none')
  assert.equal((await explain(t, '/42', args, { trusted: false })).reason, 'proof_missing')
})

test('RFC 8705: explain takes the certificate where the listener asks clients for one, and only there', async (t) => {
  const token = liveToken({ cnf: { 'x5t#S256': thumbprint } })
  const args = ['--token', token, '--header', `Client-Cert: ${clientCert}`]
  const server = issue('gateway.test')
  const files = {
    certificate: temporaryFile(t, 'tls.crt', server.cert),
    key: temporaryFile(t, 'tls.key', server.key),
  }
  for (const [asked, reason] of [
    ['request', 'none'],
    ['require', 'none'],
    ['ignore', 'proof_missing'],
  ]) {
    const tls = { ...files, client_certificates: asked }
    assert.equal((await explain(t, '/42', args, { trusted: false, tls })).reason, reason, asked)
  }
})

test('DP-17: explain gives out the nonce that the gateway takes, and takes it, where they share a secret', async (t) => {
  const dpop = { nonces: true, nonce_secret_file: temporaryFile(t, 'nonces', 'x'.repeat(32)) }
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  const ask = (claims: Readonly<Record<string, unknown>>) => {
    const proof = alice.prove({ token, uri: `${ORDERS}/42`, claims })
    return explain(t, '/42', ['--token', token, '--header', `DPoP: ${proof}`], { dpop })
  }
  const without = await ask({})
  assert.equal(without.reason, 'nonce_required')
  assert.match(String(without.response?.headers['WWW-Authenticate']), /^DPoP error="use_dpop_nonce"/)
  const nonce = without.response?.headers['DPoP-Nonce']
  const nonces = createNonces(Buffer.from('x'.repeat(32)), 60_000)
  assert.ok(typeof nonce === 'string' && nonces.isFresh(nonce, Date.now() / 1000))
  const again = await ask({ nonce })
  assert.equal(again.reason, 'none', again.output)
  assert.ok(again.steps.every(({ name }) => name !== 'nonce'))
  assert.equal((await ask({ nonce: 'another' })).reason, 'nonce_required')
})

test('DP-17: without a secret of the replicas explain neither judges nonces nor makes one up, and says so', async (t) => {
  const dpop = { nonces: true }
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  for (const claims of [{}, { nonce: 'of the running gateway' }]) {
    const proof = alice.prove({ token, uri: `${ORDERS}/42`, claims })
    const explained = await explain(t, '/42', ['--token', token, '--header', `DPoP: ${proof}`], { dpop })
    assert.equal(explained.reason, 'none', explained.output)
    assert.match(stepOf(explained, 'nonce').found, /^not checked: .*nonce_secret_file/)
    assert.ok(!explained.output.includes('DPoP-Nonce'))
  }
  const bare = await explain(t, '/42', ['--header', `Authorization: DPoP ${token}`], { dpop })
  assert.equal(bare.reason, 'proof_missing')
  assert.ok(bare.steps.every(({ name }) => name !== 'nonce'))
})

test('explain: what is wrong with a proof is said, and never the proof', async (t) => {
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  const uri = `${ORDERS}/42`
  const good = alice.prove({ token, uri })
  for (const [proofs, fault] of [
    [[alice.prove({ token: liveToken(), uri })], /ath/],
    [[alice.prove({ token, uri, method: 'POST' })], /htm/],
    [[alice.prove({ token, uri, now: Date.now() / 1000 - 120 })], /proof_age/],
    [[good, good], /more than one/],
    [[`${good.slice(0, -8)}AAAAAAAA`], /signature/],
  ] as const) {
    const headers = proofs.flatMap((proof) => ['--header', `DPoP: ${proof}`])
    const explained = await explain(t, '/42', ['--token', token, ...headers])
    assert.equal(explained.reason, 'proof_invalid', explained.output)
    assert.match(stepOf(explained, 'sender constraint').found, fault)
    assert.match(explained.detail ?? '', fault)
    for (const proof of proofs) assert.ok(!explained.output.includes(proof))
  }
})

test('explain: keys or an answer that cannot be had are not the fault of the client', async (t) => {
  const keyless = await explain(t, '/42', ['--token', liveToken()], {
    issuer: { keys: { jwks_uri: 'http://127.0.0.1:1/keys' } },
  })
  assert.equal(keyless.reason, 'keys_unavailable')
  assert.equal(keyless.response?.status, 503)
  const server = await startIntrospectionServer(t)
  server.say(raw(500))
  const introspection = {
    endpoint: server.url,
    client_id: 'gateway',
    client_secret_file: temporaryFile(t, 'secret', 'gateway-secret'),
  }
  const unanswered = await explain(t, '/42', ['--token', 'opaque-token'], { introspection })
  assert.equal(unanswered.reason, 'introspection_unavailable')
  assert.equal(unanswered.response?.status, 503)
  assert.match(stepOf(unanswered, 'token').found, /^introspection: .*500/)
})

test('explain: a token that was issued too long ago', async (t) => {
  const iat = Math.floor(Date.now() / 1000) - 7200
  const args = ['--token', liveToken({ iat })]
  assert.equal((await explain(t, '/42', args)).reason, 'none')
  const explained = await explain(t, '/42', args, { issuer: { max_token_age: '1h' } })
  assert.equal(explained.reason, 'token_too_old')
  assert.match(stepOf(explained, 'token').found, /max_token_age/)
})

test('explain: of a token only what can be read is shown', async (t) => {
  const opaque = await explain(t, '/42', ['--token', 'opaque-token'])
  assert.equal(stepOf(opaque, 'token').found, opaque.detail)
  const five = await explain(t, '/42', ['--token', 'a.b.c.d.e'])
  assert.equal(five.reason, 'decryption_failed')
  assert.equal(stepOf(five, 'token').found, five.detail)
  const token = await encrypt(liveToken(), { key: encryptionKey, alg: 'ECDH-ES+A256KW' })
  const encrypted = await explain(t, '/42', ['--token', token])
  assert.equal(stepOf(encrypted, 'token').found, 'proven; typ absent, alg "ECDH-ES+A256KW", enc "A256GCM", kid "e1"')
})

test('explain: step-up, authorization details and nested claims say what was expected and found', async (t) => {
  const weak = await explain(t, '/acr', ['--token', liveToken({ acr: 'urn:example:pwd' })])
  assert.equal(weak.reason, 'authentication_insufficient')
  assert.deepEqual(stepOf(weak, 'acr'), {
    name: 'acr',
    expected: 'urn:example:mfa',
    found: 'urn:example:pwd',
    ok: false,
  })
  const stale = await explain(t, '/acr', ['--token', liveToken({ acr: 'urn:example:mfa', auth_time: 1 })])
  assert.equal(stepOf(stale, 'acr').ok, true)
  assert.equal(stepOf(stale, 'auth_time').ok, false)
  const details = await explain(t, '/payments', ['--token', liveToken({ authorization_details: [{ type: 'other' }] })])
  assert.equal(details.reason, 'scope_insufficient')
  assert.equal(stepOf(details, 'authorization details').found, 'other')
  const roles = { realm_access: { roles: ['clerk'] } }
  assert.equal((await explain(t, '/roles', ['--token', liveToken(roles)])).reason, 'none')
})

test('explain: an encrypted token is opened', async (t) => {
  const token = await encrypt(liveToken(), { key: encryptionKey, alg: 'ECDH-ES+A256KW' })
  assert.equal((await explain(t, '/42', ['--token', token])).reason, 'none')
  const other = createDecryptionJwk('P-256', { kid: 'e1' })
  const closed = await encrypt(liveToken(), { key: other, alg: 'ECDH-ES+A256KW' })
  assert.equal((await explain(t, '/42', ['--token', closed])).reason, 'decryption_failed')
})

test('explain: an opaque token is asked about at its issuer', async (t) => {
  const server = await startIntrospectionServer(t)
  const introspection = {
    endpoint: server.url,
    client_id: 'gateway',
    client_secret_file: temporaryFile(t, 'secret', 'gateway-secret\n'),
  }
  const exp = Math.floor(Date.now() / 1000) + 600
  server.say({ active: true, aud: ORDERS, scope: 'orders:read', exp })
  const good = await explain(t, '/42', ['--token', 'opaque-token'], { introspection })
  assert.equal(good.reason, 'none', good.output)
  assert.deepEqual(server.tokens(), ['opaque-token'])
  assert.ok(!good.output.includes('opaque-token') && !good.output.includes('gateway-secret'))
  server.say({ active: false })
  assert.equal((await explain(t, '/42', ['--token', 'opaque-token'], { introspection })).reason, 'token_inactive')
  server.say({ active: true, aud: 'https://api.test/billing', exp })
  const elsewhere = await explain(t, '/42', ['--token', 'opaque-token'], { introspection })
  assert.equal(elsewhere.reason, 'audience_mismatch')
})
