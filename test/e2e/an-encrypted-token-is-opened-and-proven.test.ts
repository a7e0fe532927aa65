import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readEncryption } from '../../src/dev/encryption.ts'
import { startTestAuthorizationServer } from '../support/authorization-server.ts'
import { createDecryptionJwk, encrypt, type PrivateJwk } from '../support/encryption-keys.ts'
import { eventually } from '../support/eventually.ts'
import { followFiles } from '../support/follow-files.ts'
import { startGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { loggedRequests } from '../support/logged.ts'
import { startUpstream } from '../support/upstream.ts'

const ORDERS = 'https://api.test/orders'
const BILLING = 'https://api.test/billing'
const first = createDecryptionJwk('RSA', { kid: 'first' })
const second = createDecryptionJwk('P-256', { kid: 'second' })
const weak = createDecryptionJwk('P-256', { kid: 'weak', use: 'sig' })

/** An authorization server that encrypts the tokens for orders to the first key of a file, and a gateway with that file. */
const stage = async (t: TestContext, required: boolean) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-jwe-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'keys.json')
  const write = (...keys: readonly PrivateJwk[]): void => writeFileSync(file, JSON.stringify({ keys }))
  write(first, weak)
  const server = await startTestAuthorizationServer({
    resources: { [ORDERS]: ['orders:read'], [BILLING]: ['billing:read'] },
    encrypt: { resources: [ORDERS], to: await readEncryption(file) },
  })
  t.after(() => server.close())
  const upstream = await startUpstream(t)
  const issuers = { main: { issuer: server.issuer, decryption: { jwks_file: file, required } } }
  const upstreams = {
    [upstream.url]: { resource: ORDERS, at: '/orders', name: 'orders' },
    [`${upstream.url}/billing`]: { resource: BILLING, at: '/billing', name: 'billing' },
  }
  const gateway = await startGateway(
    t,
    `issuers: ${JSON.stringify(issuers)}\nupstreams: ${JSON.stringify(upstreams)}\n`,
  )
  const ask = async (token: string, path = '/orders/42'): Promise<string> => {
    const answer = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${token}` } })
    return answer.status === 200 ? '200' : `${answer.status} ${(await jsonOf(answer)).reason}`
  }
  return { server, upstream, gateway, write, ask }
}

test('AT-15: an encrypted token of the authorization server is opened, proven and forwarded as it came', async (t) => {
  const { server, upstream, gateway, ask } = await stage(t, false)
  const token = await server.accessToken(ORDERS)
  assert.equal(token.split('.').length, 5)
  assert.equal(await ask(token), '200')
  assert.equal(await ask(token), '200')
  assert.equal(upstream.seen.length, 2)
  assert.ok(upstream.seen[0]?.rawHeaders.includes(`Bearer ${token}`))
  // RI-6 holds for what is inside, and bare tokens of this issuer still count.
  assert.equal(await ask(token, '/billing'), '401 audience_mismatch')
  assert.equal(await ask(await server.accessToken(BILLING), '/billing'), '200')

  const lines = await gateway.log()
  assert.ok(
    lines.some(({ msg, kid, detail }) => msg === 'key not used' && kid === 'weak' && detail === 'its use is not "enc"'),
  )
  const text = await gateway.logText()
  for (const secret of [token, first.d, first.p, weak.d]) assert.ok(!text.includes(String(secret)))
})

test('AT-15: with `required: true` a token that is not encrypted is refused, however good it is', async (t) => {
  const { server, upstream, gateway, ask } = await stage(t, true)
  assert.equal(await ask(await server.accessToken(ORDERS)), '200')
  assert.equal(await ask(await server.accessToken(BILLING), '/billing'), '401 decryption_failed')
  assert.equal(upstream.seen.length, 1)
  const [, refused] = await loggedRequests(gateway, 2)
  assert.deepEqual([refused?.reason, refused?.issuer], ['decryption_failed', 'main'])
})

test('attacks 2.1 row 11: what anybody can make with the public key is refused, with one answer (JO-25)', async (t) => {
  const { server, upstream, gateway } = await stage(t, false)
  const good = await server.accessToken(ORDERS)
  const claims = JSON.stringify({ iss: server.issuer, aud: ORDERS, sub: 'admin', exp: 2e9, iat: 1 })
  const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from(claims).toString('base64url')}.`
  const to = { key: first, alg: 'RSA-OAEP-256' }
  const answers = new Set<string>()
  const withHeader = (header: string): string => good.replace(/^[^.]+/, Buffer.from(header).toString('base64url'))
  const cases: Readonly<Record<string, string>> = {
    'claims, not signed': await encrypt(claims, to),
    'claims that call themselves a token': await encrypt(claims, { ...to, header: { cty: undefined, typ: 'at+jwt' } }),
    'a JWT with alg none': await encrypt(unsigned, to),
    'a good encrypted token, encrypted once more': await encrypt(good, to),
    'five megabytes of nothing, compressed': await encrypt(Buffer.alloc(5_000_000), { ...to, header: { zip: 'DEF' } }),
    'another key under the same kid': await encrypt(claims, { key: second, alg: 'ECDH-ES', header: { kid: 'first' } }),
    'another tag': good.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')),
    'the alg dir': withHeader('{"alg":"dir","enc":"A128GCM","cty":"JWT"}'),
    'two billion iterations': withHeader(
      `{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","cty":"JWT","p2c":${2 ** 31 - 1},"p2s":"AAAAAAAAAAA"}`,
    ),
    'empty parts': '....',
  }
  for (const [name, token] of Object.entries(cases)) {
    const answer = await fetch(`${gateway.url}/orders`, { headers: { authorization: `Bearer ${token}` } })
    const { reason, instance: _instance, ...body } = await jsonOf(answer)
    // Only what is in the token, and came out of it, may be judged by another word.
    assert.equal(reason, name === 'a JWT with alg none' ? 'algorithm_refused' : 'decryption_failed', name)
    answers.add(JSON.stringify([answer.status, answer.headers.get('www-authenticate'), body]))
  }
  assert.equal(answers.size, 1, [...answers].join('\n'))
  assert.equal(upstream.connections(), 0)
})

test('AS-11: keys rotate by the file alone: a second one is added, tokens to both count, the old one is taken away', async (t) => {
  const { server, gateway, write, ask } = await stage(t, false)
  followFiles(t, gateway)
  const bare = await server.mint(claimsFor(server.issuer))
  const [old, fresh] = [
    await encrypt(bare, { key: first, alg: 'RSA-OAEP-256' }),
    await encrypt(bare, { key: second, alg: 'ECDH-ES' }),
  ]
  assert.deepEqual([await ask(old), await ask(fresh)], ['200', '401 decryption_failed'])
  write(first, second)
  await eventually('the added key opens tokens', async () => (await ask(fresh)) === '200')
  assert.equal(await ask(old), '200')
  write(second)
  await eventually('the old key opens nothing', async () => (await ask(old)) === '401 decryption_failed')
  assert.equal(await ask(fresh), '200')
})

const claimsFor = (iss: string): Record<string, unknown> => {
  const now = Math.floor(Date.now() / 1000)
  return { iss, aud: ORDERS, sub: 'alice', client_id: 'web', scope: 'orders:read', iat: now, exp: now + 600, jti: 'j' }
}
