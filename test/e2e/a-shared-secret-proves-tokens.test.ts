import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { temporaryFile } from '../support/audgate-process.ts'
import { configOf, startGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { base64url, createKey, goodClaims, mint, publicKeyOf } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'

const ORDERS = 'https://api.example.com/orders'
const AS = 'https://as.example.com/'
const rsa = createKey('RS256', 'rs1')
/** Long enough for HS512 too, so that nothing but the list of algorithms keeps it out. */
const secret = randomBytes(64).fill(0x41, 63)

const now = Math.floor(Date.now() / 1000)
const claims = { iss: AS, aud: ORDERS, iat: now - 10, exp: now + 600 }

/** A token with a MAC, by whatever key; the header names `kid` where one is given. */
const withMac = (
  alg: 'HS256' | 'HS384' | 'HS512',
  key: string | Uint8Array,
  { kid, ...change }: Readonly<Record<string, unknown>> = {},
): string => {
  const header = JSON.stringify({ alg, typ: 'at+jwt', ...(kid === undefined ? {} : { kid }) })
  const input = `${base64url(header)}.${base64url(JSON.stringify(goodClaims({ ...claims, ...change })))}`
  return `${input}.${createHmac(`sha${alg.slice(2)}`, key)
    .update(input)
    .digest('base64url')}`
}

/** With the first half of its MAC, as a server might write it that truncates. */
const halved = (token: string): string => {
  const dot = token.lastIndexOf('.')
  return `${token.slice(0, dot)}.${base64url(Buffer.from(token.slice(dot + 1), 'base64url').subarray(0, 16))}`
}

const issuersWith = (entry: Readonly<Record<string, unknown>>): string =>
  `issuers: ${JSON.stringify({ main: { issuer: AS, ...entry } })}\n`

const stage = async (t: TestContext, entry: Readonly<Record<string, unknown>>) => {
  const upstream = await startUpstream(t)
  const upstreams = { [upstream.url]: { resource: ORDERS, at: '/orders', scopes: 'orders:read' } }
  const gateway = await startGateway(t, `${issuersWith(entry)}upstreams: ${JSON.stringify(upstreams)}\n`)
  const ask = async (token: string): Promise<unknown> => {
    const answer = await fetch(`${gateway.url}/orders/1`, { headers: { authorization: `Bearer ${token}` } })
    return answer.status === 200 ? 'allowed' : `${answer.status} ${(await jsonOf(answer)).reason}`
  }
  return { upstream, gateway, ask }
}

test('JO-4: where an issuer shares a secret, tokens with its MAC count, by the one algorithm that is named, and no others', async (t) => {
  const file = temporaryFile(t, 'secret', '')
  writeFileSync(file, Buffer.concat([secret, Buffer.from('\n')]))
  const { upstream, gateway, ask } = await stage(t, { keys: { secret_file: file }, algorithms: ['HS256'] })

  assert.equal(await ask(withMac('HS256', secret)), 'allowed')
  assert.equal(await ask(withMac('HS256', secret, { kid: 'whatever' })), 'allowed', 'a secret has no name')
  assert.equal(upstream.seen.length, 2)

  const good = withMac('HS256', secret)
  const cases: readonly (readonly [string, string, string])[] = [
    ['a signature by RS256', mint({ key: rsa, claims }), '401 algorithm_refused'],
    ['the same secret with HS512', withMac('HS512', secret), '401 algorithm_refused'],
    ['the same secret with HS384', withMac('HS384', secret), '401 algorithm_refused'],
    ['another secret', withMac('HS256', randomBytes(64)), '401 signature_invalid'],
    ['the secret with the newline of its file', withMac('HS256', `${secret}\n`), '401 signature_invalid'],
    ['an empty secret', withMac('HS256', ''), '401 signature_invalid'],
    ['the name of the file', withMac('HS256', file), '401 signature_invalid'],
    ['no MAC', good.replace(/[^.]*$/, ''), '401 signature_invalid'],
    ['half of the MAC', halved(good), '401 signature_invalid'],
    ['alg none', `${base64url('{"alg":"none","typ":"at+jwt"}')}.${good.split('.')[1]}.`, '401 algorithm_refused'],
    ['a good MAC for another audience', withMac('HS256', secret, { aud: `${ORDERS}/x` }), '401 audience_mismatch'],
    ['a good MAC by another issuer', withMac('HS256', secret, { iss: `${AS}x` }), '401 issuer_untrusted'],
    ['a good MAC, expired', withMac('HS256', secret, { exp: now - 60 }), '401 token_expired'],
  ]
  for (const [name, token, expected] of cases) assert.equal(await ask(token), expected, name)
  assert.equal(upstream.seen.length, 2)

  const text = await gateway.logText()
  for (const spelling of ['latin1', 'base64', 'base64url', 'hex'] as const) {
    assert.ok(!text.includes(secret.toString(spelling)), 'the secret is in the log')
  }
})

test('JO-4: where an issuer has a key set, no MAC counts, by whatever form of its public key (RFC 8725 section 2.1)', async (t) => {
  const { upstream, ask } = await stage(t, { keys: { jwks: { keys: [rsa.jwk] } } })
  assert.equal(await ask(mint({ key: rsa, claims })), 'allowed')
  const key = publicKeyOf(rsa.jwk)
  const forms: Readonly<Record<string, string | Uint8Array>> = {
    'the PEM of the key': key.export({ type: 'spki', format: 'pem' }),
    'its PEM without the last newline': String(key.export({ type: 'spki', format: 'pem' })).trimEnd(),
    'its PEM by PKCS #1': key.export({ type: 'pkcs1', format: 'pem' }),
    'its DER': key.export({ type: 'spki', format: 'der' }),
    'its JWK': JSON.stringify(rsa.jwk),
    'its modulus': Buffer.from(String(rsa.jwk.n), 'base64url'),
    nothing: '',
  }
  for (const [name, form] of Object.entries(forms)) {
    for (const kid of ['rs1', undefined]) {
      for (const alg of ['HS256', 'HS512'] as const) {
        assert.equal(await ask(withMac(alg, form, { kid })), '401 algorithm_refused', `${alg} by ${name}, kid ${kid}`)
      }
      // The name of the right algorithm, and a MAC all the same.
      const [, payload = '', mac = ''] = withMac('HS256', form, { kid }).split('.')
      const header = base64url(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: 'rs1' }))
      assert.equal(await ask(`${header}.${payload}.${mac}`), '401 signature_invalid', name)
    }
  }
  assert.equal(upstream.seen.length, 1)
})

test('JO-4: no config lets a MAC count by a key set: HS256 there does not start', () => {
  const upstreams = `upstreams: ${JSON.stringify({ 'http://127.0.0.1:1': { resource: ORDERS, at: '/orders' } })}\n`
  const keySet = { keys: { jwks: { keys: [rsa.jwk] } }, algorithms: ['RS256', 'HS256'] }
  assert.throws(() => configOf(issuersWith(keySet) + upstreams), /HS256/)
})
