import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { CompactEncrypt, EncryptJWT, importJWK } from 'jose'
import type { Outcome, Reason } from '../../src/decision/refusal.ts'
import { pass, refuse } from '../../src/decision/refusal.ts'
import type { VerifiedToken } from '../../src/decision/token.ts'
import { cpuCost } from '../support/cpu-cost.ts'
import {
  AUDIENCE,
  base64url,
  createKey,
  goodClaims,
  ISSUER,
  issuerKeys,
  mint,
  NOW,
  publicKeyOf,
  trustedIssuer,
} from '../support/tokens.ts'
import { createVerifying, passed, reasonOf } from '../support/verifying.ts'

const rs = createKey('RS256', 'rs1')
const ps = createKey('PS256', 'ps1')
const es = createKey('ES256', 'es1')
const ed = createKey('EdDSA', 'ed1')
const p384 = createKey('ES384', 'es384')
const stranger = createKey('ES256', 'es1')
const third = createKey('ES256', 'es1')
const KEYS = [rs, ps, es, ed, p384]

const connections: string[] = []
const canary = createServer((request, response) => {
  connections.push(request.url ?? '')
  response.end('{}')
})
canary.listen(0, '127.0.0.1')
await once(canary, 'listening')
const canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`
after(() => canary.close())

type Case = readonly [name: string, token: string, reason: Reason | 'none', now?: number]

const expectAll = async (cases: readonly Case[], options: Parameters<typeof createVerifying>[0] = { keys: KEYS }) => {
  const { reason } = await createVerifying(options)
  for (const [name, token, expected, now] of cases) assert.equal(await reason(token, now), expected, name)
}

/** The text of the claims with one value as it is written, for what JSON.stringify cannot write. */
const claimsText = (claim: string, value: string): string =>
  JSON.stringify(goodClaims({ [claim]: '@' })).replace('"@"', value)

test('a good token is proven with every kind of key, and says what it says', async () => {
  const { verifier } = await createVerifying({ keys: KEYS })
  for (const key of KEYS) {
    const token = passed(await verifier.verify(mint({ key, claims: { plan: 'gold' } }), ['main'], NOW))
    const { claims, ...facts } = token
    assert.deepEqual(facts, {
      issuer: 'main',
      iss: ISSUER,
      audience: [AUDIENCE],
      scopes: ['orders:read', 'orders:write'],
      subject: 'alice',
      client: 'cli',
      expiresAt: NOW + 3600,
      scopesByAudience: undefined,
      authTime: undefined,
      acr: undefined,
      authorizationDetails: [],
      confirmation: undefined,
    })
    assert.deepEqual({ ...claims }, goodClaims({ plan: 'gold' }))
  }
})

test('the first failure is the reason, in the order of the contract', async () => {
  // One token that is wrong at every step; each line mends the step of the line before.
  const claims = { iss: 'https://evil.test', exp: NOW - 99, jti: undefined, cnf: 'x' }
  const header = { typ: 'JWT', alg: 'HS256', kid: 'nobody' }
  const forged = (token: string) => `${token.split('.').slice(0, 2).join('.')}.${base64url('forged')}`
  const steps: readonly (readonly [Reason, string])[] = [
    ['token_too_long', `${'x'.repeat(9000)}=`],
    ['token_opaque', 'x.='],
    ['token_malformed', 'x.=.'],
    ['decryption_failed', 'x....'],
    ['token_malformed', forged(mint({ key: es, header: { ...header, crit: [] }, claims }))],
    ['issuer_untrusted', forged(mint({ key: es, header, claims }))],
    ['token_type_wrong', forged(mint({ key: es, header, claims: { ...claims, iss: ISSUER } }))],
    [
      'algorithm_refused',
      forged(mint({ key: es, header: { ...header, typ: 'at+jwt' }, claims: { ...claims, iss: ISSUER } })),
    ],
    ['key_unknown', forged(mint({ key: es, header: { kid: 'nobody' }, claims: { ...claims, iss: ISSUER } }))],
    ['signature_invalid', forged(mint({ key: es, claims: { ...claims, iss: ISSUER } }))],
    ['claim_missing', mint({ key: es, claims: { ...claims, iss: ISSUER } })],
    ['token_malformed', mint({ key: es, claims: { exp: NOW - 99, cnf: 'x' } })],
    ['token_expired', mint({ key: es, claims: { exp: NOW - 99 } })],
  ]
  await expectAll(steps.map(([reason, token], at) => [`step ${at}`, token, reason]))
})

test('what needs no key is refused at once, without a promise', async () => {
  const { verifier, keys } = await createVerifying({ keys: KEYS })
  const tokens = [
    'x'.repeat(9000),
    'opaque',
    'a.b.c',
    '....',
    mint({ key: es, claims: { iss: undefined } }),
    mint({ key: es, claims: { iss: 'x' } }),
    mint({ key: es, header: { typ: 'JWT' } }),
    mint({ key: es, header: { alg: 'none' } }),
  ]
  for (const token of tokens) assert.ok(!(verifier.verify(token, ['main'], NOW) instanceof Promise))
  assert.deepEqual(keys.asked, [])
})

test('AT-7: row 1: a signature changed, cut, doubled, missing or by another key', async () => {
  const good = mint({ key: es })
  const [header, payload, signature] = good.split('.')
  await expectAll([
    ['no signature', `${header}.${payload}.`, 'signature_invalid'],
    ['two parts', `${header}.${payload}`, 'token_opaque'],
    [
      'payload of another token',
      `${header}.${base64url(JSON.stringify(goodClaims({ sub: 'root' })))}.${signature}`,
      'signature_invalid',
    ],
    ['signature twice', `${good}${signature}`, 'signature_invalid'],
    ['signature twice, with a dot', `${good}.${signature}`, 'token_opaque'],
    ['right kid, another key', mint({ key: stranger }), 'signature_invalid'],
    ['half a signature', `${header}.${payload}.${signature?.slice(0, 44)}`, 'signature_invalid'],
    ['r = s = 0', `${header}.${payload}.${base64url(Buffer.alloc(64))}`, 'signature_invalid'],
    ['good', good, 'none'],
  ])
})

test('AT-7, JO-2: row 2: none in any spelling, type or place', async () => {
  const spellings = [
    'none',
    'None',
    'NONE',
    ' none',
    'none\0',
    'noNE',
    '',
    null,
    5,
    true,
    {},
    ['none'],
    ['ES256'],
    undefined,
  ]
  const cases = spellings.flatMap((alg): Case[] => {
    const token = mint({ key: es, header: { alg } })
    const name = `alg ${JSON.stringify(alg)}`
    return [
      [name, token, 'algorithm_refused'],
      [`${name}, no signature`, token.replace(/[^.]*$/, ''), 'algorithm_refused'],
    ]
  })
  const twice = (a: string, b: string) => `{"typ":"at+jwt","kid":"es1","alg":"${a}","alg":"${b}"}`
  await expectAll([
    ...cases,
    ['alg twice, none last', mint({ key: es, header: twice('ES256', 'none') }), 'token_malformed'],
    ['alg twice, none first', mint({ key: es, header: twice('none', 'ES256') }), 'token_malformed'],
  ])
})

test('JO-4: row 3: HMAC keyed with a public key in every encoding, and with nothing', async () => {
  const secrets = [rs, es, ed].flatMap(({ jwk, privateKey }) => {
    const publicKey = createPublicKey(privateKey)
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    return [
      pem,
      pem.trim(),
      ` ${pem}`,
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(jwk),
      `${jwk.n ?? jwk.x}`,
      '',
    ]
  })
  const pkcs1 = createPublicKey(rs.privateKey).export({ type: 'pkcs1', format: 'pem' }).toString()
  for (const options of [{ keys: KEYS }, { keys: KEYS, token: { profile: 'jwt' as const } }]) {
    await expectAll(
      [...secrets, pkcs1].flatMap((secret, at) =>
        ['rs1', 'unknown', undefined].map((kid): Case => {
          const input = mint({ key: rs, header: { alg: 'HS256', kid } })
            .split('.')
            .slice(0, 2)
            .join('.')
          const mac = createHmac('sha256', secret).update(input).digest('base64url')
          return [`secret ${at}, kid ${kid}`, `${input}.${mac}`, 'algorithm_refused']
        }),
      ),
      options,
    )
  }
})

test('JO-1, JO-2, JO-5: row 4: another algorithm of the family, another curve', async () => {
  const as = (key: typeof rs, alg: 'PS256' | 'RS384' | 'ES256') => mint({ key: { ...key, alg } })
  await expectAll([
    ['PS256 by an RS256 key', as(rs, 'PS256'), 'key_unknown'],
    ['RS384 by an RS256 key, not in the list', as(rs, 'RS384'), 'algorithm_refused'],
    ['RS512 in name only', mint({ key: rs, header: { alg: 'RS512' } }), 'algorithm_refused'],
    ['rs256', mint({ key: rs, header: { alg: 'rs256' } }), 'algorithm_refused'],
    ['Es256', mint({ key: es, header: { alg: 'Es256' } }), 'algorithm_refused'],
    ['ES256K', mint({ key: es, header: { alg: 'ES256K' } }), 'algorithm_refused'],
    ['ES256 by a P-384 key', as(p384, 'ES256'), 'key_unknown'],
    ['ES384 in name only', mint({ key: es, header: { alg: 'ES384', kid: 'es384' } }), 'signature_invalid'],
  ])
  await expectAll([['not in the list of this issuer', mint({ key: rs }), 'algorithm_refused']], {
    keys: KEYS,
    token: { algorithms: ['ES256'] },
  })
})

test('JO-9: row 5: kid as path, command, URL, other type', async () => {
  const strings = [
    '../../dev/null',
    `${canaryUrl}/key`,
    "' OR 1=1 --",
    '; ls',
    '__proto__',
    'constructor',
    'ES1',
    'es1\r\n',
    '\u001b[31m',
    '\0',
    '',
  ]
  const types = [1, ['es1'], null, true, { kid: 'es1' }, 'k'.repeat(257)]
  await expectAll([
    ...strings.map((kid): Case => [`kid ${kid}`, mint({ key: es, header: { kid } }), 'key_unknown']),
    ...types.map((kid): Case => [`kid ${JSON.stringify(kid)}`, mint({ key: es, header: { kid } }), 'token_malformed']),
    ['no kid, one key fits', mint({ key: es, header: { kid: undefined } }), 'none'],
  ])
  assert.deepEqual(connections, [])
})

test('JO-10: row 6: a key that the token brings or points to is not looked at', async () => {
  const { jwk } = stranger
  const places = { jku: `${canaryUrl}/jwks`, x5u: `${canaryUrl}/cert`, x5c: ['AAAA'], jwk }
  const symmetric = { kty: 'oct', k: 'AAAA', alg: 'ES256' }
  await expectAll([
    ['embedded, with kid', mint({ key: stranger, header: { jwk } }), 'signature_invalid'],
    ['embedded, without kid', mint({ key: stranger, header: { jwk, kid: undefined } }), 'signature_invalid'],
    ['embedded, unknown kid', mint({ key: stranger, header: { jwk, kid: 'mine' } }), 'key_unknown'],
    ['embedded secret', mint({ key: stranger, header: { jwk: symmetric } }), 'signature_invalid'],
    ['all places', mint({ key: stranger, header: places }), 'signature_invalid'],
    ['all places beside a good signature', mint({ key: es, header: places }), 'none'],
  ])
  assert.deepEqual(connections, [])
})

test('AT-5: rows 7 and 8: an issuer that is not the configured one, character for character', async () => {
  const wrong = [
    canaryUrl,
    `${canaryUrl}/oidc`,
    '',
    ' ',
    `${ISSUER}/`,
    ISSUER.replace('https:', 'http:'),
    ISSUER.replace('as.test', 'AS.test'),
    ISSUER.replace('as.test', 'as.test:443'),
    ISSUER.replace('as.test', 'as.test@evil.test'),
    ISSUER.replace('as.test', '\u0430s.test'),
    ISSUER.replace('as.test', 'xn--s-7sb.test'),
    ISSUER.replace('/oidc', '/./oidc'),
    ISSUER.replace('/oidc', '/x/../oidc'),
    ISSUER.replace('oidc', 'OIDC'),
    ISSUER.replace('oidc', '%6fidc'),
    'https://as.test',
    `${ISSUER}/tenant`,
    `${ISSUER}#`,
    `${ISSUER} `,
    'main',
    '__proto__',
  ]
  await expectAll([
    ...wrong.map((iss): Case => [`iss ${iss}`, mint({ key: es, claims: { iss } }), 'issuer_untrusted']),
    ...[[ISSUER], { iss: ISSUER }, null, 5, true].map(
      (iss): Case => [`iss ${JSON.stringify(iss)}`, mint({ key: es, claims: { iss } }), 'token_malformed'],
    ),
    ['no iss', mint({ key: es, claims: { iss: undefined } }), 'claim_missing'],
    ['iss twice', mint({ key: es, claims: `{"iss":"${ISSUER}","iss":"${ISSUER}"}` }), 'token_malformed'],
  ])
  assert.deepEqual(connections, [])
  const { verifier } = await createVerifying({ keys: KEYS })
  assert.deepEqual(verifier.verify(mint({ key: es, claims: { iss: `${ISSUER}/` } }), ['main'], NOW), {
    ok: false,
    refusal: { reason: 'issuer_untrusted', expected: [ISSUER], got: `${ISSUER}/`, audience: [AUDIENCE] },
  })
})

test('AT-6: keys are those of the issuer that the token names, though another has the same kid', async () => {
  const other = trustedIssuer(await issuerKeys([stranger]), { name: 'other', issuer: 'https://other.test' })
  const { verifier } = await createVerifying({ keys: [es], others: [other] })
  const reason = async (token: string, names: readonly string[]) => reasonOf(await verifier.verify(token, names, NOW))
  const both = ['main', 'other']
  const foreign = mint({ key: stranger, claims: { iss: other.issuer } })
  assert.equal(await reason(mint({ key: stranger }), both), 'signature_invalid')
  assert.equal(await reason(mint({ key: es, claims: { iss: other.issuer } }), both), 'signature_invalid')
  assert.equal(await reason(foreign, ['main']), 'issuer_untrusted')
  assert.equal(await reason(foreign, []), 'issuer_untrusted')
  assert.equal(await reason(foreign, ['nobody']), 'issuer_untrusted')
  assert.equal(await reason(foreign, both), 'none')
  assert.equal(await reason(foreign, ['main']), 'issuer_untrusted')
  assert.equal(passed(await verifier.verify(foreign, both, NOW)).issuer, 'other')
})

test('AT-5, AT-6: three issuers at one resource, one kid, three profiles: each token is read as its own issuer means it', async () => {
  const issuers = {
    strict: trustedIssuer(await issuerKeys([es], 'strict'), { name: 'strict', issuer: 'https://strict.test' }),
    realm: trustedIssuer(await issuerKeys([stranger], 'realm'), {
      name: 'realm',
      issuer: 'https://strict.test/realms/shop',
      token: { profile: 'keycloak' },
    }),
    pool: trustedIssuer(await issuerKeys([third], 'pool'), {
      name: 'pool',
      issuer: 'https://strict.test/',
      token: { profile: 'cognito' },
    }),
  }
  const names = Object.keys(issuers)
  const { verifier } = await createVerifying({ keys: [], others: Object.values(issuers) })
  const verify = async (token: string, at = names) => verifier.verify(token, at, NOW)
  const good = {
    strict: { header: { typ: 'at+jwt' }, claims: { iss: 'https://strict.test' } },
    realm: { header: { typ: 'JWT' }, claims: { iss: 'https://strict.test/realms/shop', typ: 'Bearer', azp: 'web' } },
    pool: {
      header: { typ: undefined },
      claims: { iss: 'https://strict.test/', token_use: 'access', aud: undefined, scope: 'x/y' },
    },
  }
  const keys = { strict: es, realm: stranger, pool: third }
  for (const own of ['strict', 'realm', 'pool'] as const) {
    const token = mint({ key: keys[own], ...good[own] })
    const read = passed(await verify(token))
    assert.deepEqual([read.issuer, read.iss], [own, good[own].claims.iss])
    // An issuer that is taken out of the config takes its tokens with it, whoever else has its kid.
    const rest = names.filter((name) => name !== own)
    assert.equal(reasonOf(await verify(token, rest)), 'issuer_untrusted')
    for (const other of ['strict', 'realm', 'pool'] as const) {
      if (other === own) continue
      assert.equal(
        reasonOf(await verify(mint({ key: keys[other], ...good[own] }))),
        'signature_invalid',
        `${other} as ${own}`,
      )
      const foreign = mint({
        key: keys[own],
        header: good[other].header,
        claims: { ...good[other].claims, iss: good[own].claims.iss },
      })
      assert.equal(reasonOf(await verify(foreign)), 'token_type_wrong', `${own} in the form of ${other}`)
    }
  }
  assert.equal(passed(await verify(mint({ key: third, ...good.pool }))).audience[0], 'x')
  for (const iss of [
    'https://STRICT.test',
    'https://strict.test//',
    'https://strict.test/realms',
    'https://strict.test/realms/Shop',
  ]) {
    for (const key of [es, stranger, third]) {
      assert.equal(reasonOf(await verify(mint({ key, claims: { iss } }))), 'issuer_untrusted', iss)
    }
  }
})

test('JO-11, JO-12, JO-20: row 9: crit, b64, cty beside a good signature', async () => {
  const headers = [
    { crit: ['exp'] },
    { crit: ['x'], x: 1 },
    { crit: [] },
    { crit: 'b64' },
    { b64: false },
    { b64: false, crit: ['b64'] },
    { cty: 'JWT' },
  ]
  await expectAll(headers.map((header): Case => [JSON.stringify(header), mint({ key: es, header }), 'token_malformed']))
})

test('AT-1, AT-3, AT-21: row 10: another kind of token', async () => {
  const kinds = [
    undefined,
    'JWT',
    'dpop+jwt',
    'logout+jwt',
    'token-introspection+jwt',
    'secevent+jwt',
    'id_token',
    ['at+jwt'],
    null,
  ]
  const idToken = { nonce: 'n', at_hash: 'h', client_id: undefined, scope: undefined }
  await expectAll([
    ...kinds.map((typ): Case => [`typ ${JSON.stringify(typ)}`, mint({ key: es, header: { typ } }), 'token_type_wrong']),
    ['ID token for the API', mint({ key: es, header: { typ: 'JWT' }, claims: idToken }), 'token_type_wrong'],
    ['AT+JWT', mint({ key: es, header: { typ: 'AT+JWT' } }), 'none'],
    ['Application/at+jwt', mint({ key: es, header: { typ: 'Application/at+jwt' } }), 'none'],
    ['a random string', 'Zm9vYmFyYmF6', 'token_opaque'],
    ['SD-JWT', `${mint({ key: es })}~WyJhIl0~`, 'token_malformed'],
    ['PASETO', 'v4.local.AAAA.BBBB', 'token_opaque'],
  ])
  await expectAll(
    [
      ['ID token for the API', mint({ key: es, header: { typ: 'JWT' }, claims: idToken }), 'token_type_wrong'],
      ['ID token without typ', mint({ key: es, header: { typ: undefined }, claims: idToken }), 'token_type_wrong'],
      ['logout token', mint({ key: es, header: { typ: 'logout+jwt' }, claims: { events: {} } }), 'token_type_wrong'],
      ['typ JWT', mint({ key: es, header: { typ: 'JWT' } }), 'none'],
      ['no typ', mint({ key: es, header: { typ: undefined } }), 'none'],
      ['no exp', mint({ key: es, header: { typ: 'JWT' }, claims: { exp: undefined } }), 'claim_missing'],
    ],
    { keys: KEYS, token: { profile: 'jwt' } },
  )
})

test('AT-15: row 11: encrypted tokens, whatever is inside, at no cost', async () => {
  const recipient = await importJWK(rs.jwk, 'RSA-OAEP-256')
  const header = { alg: 'RSA-OAEP-256', enc: 'A128GCM' }
  const bare = await new EncryptJWT(goodClaims()).setProtectedHeader(header).encrypt(recipient)
  const wrap = (inner: string) =>
    new CompactEncrypt(Buffer.from(inner)).setProtectedHeader({ ...header, cty: 'JWT' }).encrypt(recipient)
  const unsigned = `${base64url('{"alg":"none","typ":"at+jwt"}')}.${base64url(JSON.stringify(goodClaims()))}.`
  const pbes2 = base64url(JSON.stringify({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2 ** 31 - 1, p2s: 'AAAA' }))
  const tokens = [bare, await wrap(unsigned), await wrap(mint({ key: es })), `${pbes2}.a.b.c.d`, '....']
  const { verifier } = await createVerifying({ keys: KEYS })
  for (const token of tokens) {
    const cost = await cpuCost(250, () => {
      const outcome = verifier.verify(token, ['main'], NOW)
      assert.ok(!(outcome instanceof Promise), 'no key is asked for')
      assert.equal(reasonOf(outcome), 'decryption_failed')
    })
    // A billion rounds of PBES2 (`p2c`) are minutes.
    assert.ok(cost < 250, `${cost} ms`)
  }
})

test('JO-14, JO-16, JO-18: rows 12 to 14: spellings and JSON that nobody needs', async () => {
  const good = mint({ key: rs })
  const claims = JSON.stringify(goodClaims())
  const pretty = JSON.stringify(goodClaims(), undefined, 2)
  const deep = (levels: number) => claimsText('x', `${'['.repeat(levels)}${']'.repeat(levels)}`)
  const malformed = [
    '[]',
    'null',
    '"x"',
    `[${claims}]`,
    `\ufeff${claims}`,
    `${claims}${claims}`,
    `${claims.slice(0, -1)},}`,
    `/**/${claims}`,
    deep(2000),
  ]
  await expectAll([
    ...['=', '==', ' ', '\n', '%2E', '+', '/', 'é'].map(
      (extra): Case => [`${extra} at the end`, good + extra, 'token_malformed'],
    ),
    ...malformed.map((text): Case => [text.slice(0, 40), mint({ key: es, claims: text }), 'token_malformed']),
    ['invalid UTF-8', mint({ key: es, claims: Buffer.from(claimsText('x', '"\xff"'), 'latin1') }), 'token_malformed'],
    ['a lone surrogate', mint({ key: es, claims: claimsText('sub', '"\\ud800"') }), 'token_malformed'],
    ['UTF-16', mint({ key: es, claims: Buffer.from(claims, 'utf16le') }), 'token_malformed'],
    ['pretty-printed', mint({ key: es, claims: pretty }), 'none'],
  ])
})

test('JO-16: row 13: the second signature of ECDSA is as good as the first, and is another token', async () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const [header, payload, signature = ''] = mint({ key: es }).split('.')
  const raw = Buffer.from(signature, 'base64url')
  const s = order - BigInt(`0x${raw.subarray(32).toString('hex')}`)
  const twin = Buffer.concat([raw.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
  const { reason, events } = await createVerifying({ keys: KEYS })
  for (const part of [signature, base64url(twin)]) assert.equal(await reason(`${header}.${payload}.${part}`), 'none')
  assert.deepEqual(events, ['miss', 'main none', 'miss', 'main none'])
})

test('JO-13: row 15: a claim given twice, in either order and spelling', async () => {
  const claims = JSON.stringify(goodClaims()).slice(1, -1)
  const twice = [`{${claims},"aud":"x"}`, `{"aud":"x",${claims}}`, `{${claims},"\\u0061ud":"x"}`, `{"exp":1,${claims}}`]
  await expectAll(twice.map((text): Case => [text, mint({ key: es, claims: text }), 'token_malformed']))
})

test('AT-8, AT-9, AT-10, AT-11: row 16: dates of every kind', async () => {
  const bad = ['"1900000000"', 'null', '[1900000000]', 'true', '1e400', '-1', '1e15', '1900000000000', '{}']
  await expectAll([
    ...['exp', 'nbf', 'iat'].flatMap((claim) =>
      bad.map(
        (value): Case => [`${claim} ${value}`, mint({ key: es, claims: claimsText(claim, value) }), 'token_malformed'],
      ),
    ),
    ['no exp', mint({ key: es, claims: { exp: undefined } }), 'claim_missing'],
    ['exp 0', mint({ key: es, claims: { exp: 0 } }), 'token_expired'],
    ['exp a fraction', mint({ key: es, claims: { exp: NOW + 0.5 } }), 'none'],
    ['exp far in the future', mint({ key: es, claims: { exp: 9e10 } }), 'none'],
    ['one second before the tolerance ends', mint({ key: es, claims: { exp: NOW - 29 } }), 'none'],
    ['at the end of the tolerance', mint({ key: es, claims: { exp: NOW - 30 } }), 'token_expired'],
    ['nbf within the tolerance', mint({ key: es, claims: { nbf: NOW + 30 } }), 'none'],
    ['nbf beyond', mint({ key: es, claims: { nbf: NOW + 31 } }), 'token_not_yet_valid'],
    ['iat beyond', mint({ key: es, claims: { iat: NOW + 31 } }), 'token_not_yet_valid'],
    ['iat after exp', mint({ key: es, claims: { iat: NOW + 60, exp: NOW + 40 } }), 'token_not_yet_valid'],
  ])
})

test('RI-4, RI-5, RI-12: row 17: the audience is told and not judged', async () => {
  const { verifier } = await createVerifying({ keys: KEYS })
  const values = ['https://other.test', `${AUDIENCE}/`, '*', '', ['a', 'b'], [], null, undefined]
  for (const aud of values) {
    const { audience } = passed(await verifier.verify(mint({ key: es, claims: { aud } }), ['main'], NOW))
    assert.deepEqual(audience, typeof aud === 'string' ? [aud] : (aud ?? []))
  }
  const malformed = [{ 0: AUDIENCE, length: 1 }, [[AUDIENCE]], [AUDIENCE, 5], 5, true]
  await expectAll(
    malformed.map((aud): Case => [JSON.stringify(aud), mint({ key: es, claims: { aud } }), 'token_malformed']),
  )
})

test('JO-28: row 19: claims through __proto__ grant nothing, to this token and to the next', async () => {
  const { verifier } = await createVerifying({ keys: KEYS })
  const poisoned = `${JSON.stringify(goodClaims({ scope: undefined })).slice(0, -1)},"__proto__":{"scope":"admin"},"constructor":{"prototype":{"scope":"admin"}}}`
  for (const claims of [poisoned, { scope: undefined }]) {
    const token = passed(await verifier.verify(mint({ key: es, claims }), ['main'], NOW))
    assert.deepEqual(token.scopes, [])
    assert.equal(token.claims.scope, undefined)
  }
  assert.equal(({} as Record<string, unknown>).scope, undefined)
})

test('JO-20: row 23: length is refused before anything is read, and 0 is no limit', async () => {
  const long = mint({ key: es, claims: { aud: Array.from({ length: 90 }, () => 'x'.repeat(500)) } })
  const { verifier, keys, events } = await createVerifying({ keys: KEYS })
  assert.deepEqual(verifier.verify(long, ['main'], NOW), {
    ok: false,
    refusal: { reason: 'token_too_long', limit: 8192, got: long.length },
  })
  assert.deepEqual(events, ['undefined token_too_long'])
  assert.deepEqual(keys.asked, [])
  await expectAll([['no limit', long, 'none']], { keys: KEYS, tokenSize: 0 })
  const exact = mint({ key: es })
  await expectAll([['just fits', exact, 'none']], { keys: KEYS, tokenSize: exact.length })
  await expectAll([['one too many', exact, 'token_too_long']], { keys: KEYS, tokenSize: exact.length - 1 })
})

test('AS-12: what the key source refuses is passed on as it is', async () => {
  const { verifier, keys } = await createVerifying({ keys: KEYS })
  const refusal = refuse({ reason: 'keys_unavailable', issuer: 'main', retryAfterSeconds: 7 })
  keys.answer(() => Promise.resolve(refusal))
  assert.deepEqual(await verifier.verify(mint({ key: es }), ['main'], NOW), { ...refusal, issuer: 'main' })
})

test('a key source that throws, rejects or gives an unfit key lets nobody in and throws nothing', async () => {
  const { keys, reason } = await createVerifying({ keys: KEYS })
  const foreign = publicKeyOf(rs.jwk)
  keys.answer(() => {
    throw new Error('broken')
  })
  assert.equal(await reason(mint({ key: es })), 'internal')
  keys.answer(() => Promise.reject(new Error('broken')))
  assert.equal(await reason(mint({ key: es })), 'internal')
  keys.answer(() => pass(foreign))
  assert.equal(await reason(mint({ key: es })), 'signature_invalid')
})

test('each verification is told once, with the issuer where it is known, and a hit is not one', async () => {
  const { reason, events } = await createVerifying({ keys: KEYS })
  const good = mint({ key: es })
  for (const token of [good, good, 'opaque', mint({ key: es, claims: { iss: 'x' } }), mint({ key: stranger })])
    await reason(token)
  assert.deepEqual(events, [
    'miss',
    'main none',
    'hit',
    'miss',
    'undefined token_opaque',
    'miss',
    'undefined issuer_untrusted',
    'miss',
    'main signature_invalid',
  ])
})

test('BR-26: 2.7 row 2: no refusal carries the token, a part of it or a claim that is nobody else’s business', async () => {
  const { verifier } = await createVerifying({ keys: KEYS })
  const claims = { sub: 'canary-subject', jti: 'canary-jti', email: 'canary@mail.test' }
  const tokens = [
    mint({ key: stranger, claims }),
    mint({ key: es, claims: { ...claims, exp: 5 } }),
    mint({ key: es, claims: { ...claims, aud: 5 } }),
    mint({ key: es, claims: { ...claims, iss: 'x' } }),
    mint({ key: es, claims: { ...claims, nbf: 9e10 } }),
    mint({ key: es, header: { typ: 'JWT' }, claims }),
    mint({ key: es, header: { alg: 'none' }, claims }),
    mint({ key: es, header: { kid: 'canary-kid' }, claims }),
    mint({ key: es, header: { crit: ['canary'] }, claims }),
    mint({ key: es, claims: { ...claims, client_id: undefined } }),
    mint({ key: es, claims: { ...claims, cnf: 'canary' } }),
    mint({ key: es, claims: `{"canary":1,"canary":2}` }),
    mint({ key: es, claims: '{"canary":' }),
    `${mint({ key: es, claims })}=`,
    `${mint({ key: es, claims })}.a.b`,
  ]
  for (const token of tokens) {
    const outcome = await verifier.verify(token, ['main'], NOW)
    assert.ok(!outcome.ok)
    const text = JSON.stringify(outcome.refusal)
    assert.doesNotMatch(text, /canary/)
    for (const part of token.split('.')) if (part.length > 8) assert.ok(!text.includes(part), outcome.refusal.reason)
  }
})

test('any change of one character of a good token is refused', async () => {
  const { verifier } = await createVerifying({ keys: KEYS })
  const tokens = [rs, ps, es, ed].map((key) => mint({ key }))
  for (const token of tokens) passed(await verifier.verify(token, ['main'], NOW))
  const character = fc.oneof(
    fc.constantFrom(...'AZaz09-_.=+/ ~'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...tokens), fc.nat(5000), character, async (token, place, other) => {
      const at = place % token.length
      fc.pre(token[at] !== other)
      for (const changed of [
        token.slice(0, at) + other + token.slice(at + 1),
        token.slice(0, at) + token.slice(at + 1),
        token.slice(0, at) + other + token.slice(at),
      ]) {
        // Taking one of two equal neighbours away, or doubling one, always changes the string: its length differs.
        assert.notEqual(reasonOf(await verifier.verify(changed, ['main'], NOW)), 'none', changed)
      }
    }),
    { numRuns: 300 },
  )
})

test('nothing that can be sent as a credential makes it throw or reject', async () => {
  const { verifier } = await createVerifying({ keys: KEYS })
  const settle = async (token: string): Promise<Outcome<VerifiedToken>> => verifier.verify(token, ['main'], NOW)
  const json = fc.json().map(base64url)
  const shape = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.tuple(json, json, json).map((parts) => parts.join('.')),
  )
  await fc.assert(fc.asyncProperty(shape, async (token) => assert.ok(!(await settle(token)).ok)))
  // Signed claims of every type, past the signature.
  const anyClaims = fc.dictionary(
    fc.constantFrom(...Object.keys(goodClaims()), 'cnf', 'nbf', '__proto__'),
    fc.jsonValue(),
  )
  const profiled = await createVerifying({ keys: KEYS, token: { profile: 'jwt' } })
  await fc.assert(
    fc.asyncProperty(anyClaims, async (claims) => {
      const text = JSON.stringify({ ...goodClaims(), ...claims, iss: ISSUER })
      const reason = await profiled.reason(mint({ key: ed, claims: text }))
      assert.notEqual(reason, 'internal')
    }),
  )
})
