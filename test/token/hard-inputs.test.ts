import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { test } from 'node:test'
import type { Reason } from '../../src/decision/refusal.ts'
import { inspect } from '../../src/token/inspect.ts'
import { startSource } from '../keys/remote-setup.ts'
import { cpuCost } from '../support/cpu-cost.ts'
import { ALGORITHMS, base64url, createKey, goodClaims, mint, NOW, signWith, type TestKey } from '../support/tokens.ts'
import { createVerifying, reasonOf, type Verifying } from '../support/verifying.ts'

/** What costs the square of its length is seconds away, for most of these are a hundred times as long as a request can be. */
const LIMIT_MS = 250
const key = createKey('EdDSA', 'k1')
const head = (members: string): string => `{"alg":"EdDSA","typ":"at+jwt","kid":"k1"${members}}`
const claims = (members: string): string => `${JSON.stringify(goodClaims()).slice(0, -1)}${members}}`
const withHeader = (header: string | Uint8Array): string => mint({ key, header })
const withClaims = (body: string | Uint8Array): string => mint({ key, claims: body })
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Every one is signed with the right key over exactly these bytes: the signature is not what is wrong. */
const hard: readonly (readonly [name: string, expected: Reason | 'none', token: () => string])[] = [
  ['JO-20: claims of 100,000 open arrays', 'token_malformed', () => withClaims('['.repeat(100_000))],
  [
    'JO-20: claims with a claim 100,000 arrays deep',
    'token_malformed',
    () => withClaims(claims(`,"x":${nest(100_000)}`)),
  ],
  ['JO-20: claims with 100,000 open objects', 'token_malformed', () => withClaims('{"a":'.repeat(100_000))],
  ['JO-20: a header 100,000 deep', 'token_malformed', () => withHeader(head(`,"x":${nest(100_000)}`))],
  ['JO-20: deep in a claim that is read', 'token_malformed', () => withClaims(`{"iss":${nest(33)}}`)],
  ['JO-20: 100,000 claims', 'none', () => withClaims(claims(`,${listed(100_000, (at) => `"c${at}":0`)}`))],
  ['JO-20: 100,000 header members', 'none', () => withHeader(head(`,${listed(100_000, (at) => `"h${at}":0`)}`))],
  ['JO-20: a string of a million escapes', 'none', () => withClaims(claims(`,"x":"${'\\u0061'.repeat(1_000_000)}"`))],
  ['JO-20: a string of a million quotes', 'none', () => withClaims(claims(`,"x":"${'\\"'.repeat(1_000_000)}"`))],
  ['JO-20: a number of a million digits', 'none', () => withClaims(claims(`,"x":${'1'.repeat(1_000_000)}`))],
  ['JO-20: a million spaces', 'none', () => withClaims(`${' '.repeat(1_000_000)}${claims('')}`)],
  ['JO-20: 101 audiences', 'token_malformed', () => mint({ key, claims: { aud: Array(101).fill('a') } })],
  ['JO-20: 1001 scopes', 'token_malformed', () => mint({ key, claims: { scope: 'a '.repeat(1001).trim() } })],
  ['JO-20: a scope of a million spaces', 'none', () => mint({ key, claims: { scope: ' '.repeat(1_000_000) } })],
  ['JO-13: exp twice', 'token_malformed', () => withClaims(claims(',"exp":9999999999'))],
  ['JO-13: aud twice, once in escapes', 'token_malformed', () => withClaims(claims(',"\\u0061ud":"x"'))],
  ['JO-13: alg twice', 'token_malformed', () => withHeader(head(',"alg":"none"'))],
  ['JO-13: kid twice, equal', 'token_malformed', () => withHeader(head(',"kid":"k1"'))],
  ['JO-13: __proto__ twice', 'token_malformed', () => withClaims(claims(',"__proto__":1,"__proto__":2'))],
  ['AT-10: exp 1e400', 'token_malformed', () => withClaims(dated('"exp":1e400'))],
  ['AT-10: exp -1e400', 'token_malformed', () => withClaims(dated('"exp":-1e400'))],
  ['AT-10: exp of a million digits', 'token_malformed', () => withClaims(dated(`"exp":${'9'.repeat(1_000_000)}`))],
  ['AT-10: exp as a string', 'token_malformed', () => withClaims(dated(`"exp":"${NOW + 60}"`))],
  ['AT-10: exp null', 'token_malformed', () => withClaims(dated('"exp":null'))],
  ['AT-10: exp in milliseconds', 'token_malformed', () => withClaims(dated(`"exp":${NOW}000`))],
  ['AT-10: exp -0', 'token_expired', () => withClaims(dated('"exp":-0'))],
  ['AT-10: exp 1e-400', 'token_expired', () => withClaims(dated('"exp":1e-400'))],
  ['AT-10: nbf 1e400', 'token_malformed', () => withClaims(claims(',"nbf":1e400'))],
  [
    'AT-10: iat 1e400',
    'token_malformed',
    () => withClaims(dated(`"exp":${NOW + 60}`).replace(/"iat":\d+/, '"iat":1e400')),
  ],
  ['JO-28: __proto__ with what is missing', 'claim_missing', () => withClaims(`{"__proto__":${claims('')}}`)],
  ['JO-28: __proto__ beside good claims', 'none', () => withClaims(claims(',"__proto__":{"scope":"admin"}'))],
  [
    'JO-28: constructor.prototype beside good claims',
    'none',
    () => withClaims(claims(',"constructor":{"prototype":{}}')),
  ],
  [
    'JO-28: a header of __proto__',
    'algorithm_refused',
    () => withHeader('{"__proto__":{"alg":"EdDSA","typ":"at+jwt"},"typ":"at+jwt"}'),
  ],
  ['JO-28: alg __proto__', 'algorithm_refused', () => withHeader('{"alg":"__proto__","typ":"at+jwt","kid":"k1"}')],
  ['JO-28: iss __proto__', 'issuer_untrusted', () => mint({ key, claims: { iss: '__proto__' } })],
  [
    'JO-28: toString and hasOwnProperty as claims',
    'none',
    () => withClaims(claims(',"toString":1,"hasOwnProperty":2')),
  ],
  [
    'JO-9: a kid of a million characters',
    'token_malformed',
    () => mint({ key, header: { kid: 'k'.repeat(1_000_000) } }),
  ],
  ['JO-9: a kid of 257 characters', 'token_malformed', () => mint({ key, header: { kid: 'k'.repeat(257) } })],
  ['JO-9: a kid of 256 characters', 'key_unknown', () => mint({ key, header: { kid: 'k'.repeat(256) } })],
  ['JO-9: a kid of control characters', 'key_unknown', () => mint({ key, header: { kid: '\r\n\0\u001b[2J' } })],
  ['JO-9: a kid that is a deep array', 'token_malformed', () => withHeader(head('').replace('"k1"', nest(30)))],
  ['JO-18: claims with a BOM', 'token_malformed', () => withClaims(`\ufeff${claims('')}`)],
  ['JO-18: claims in UTF-16', 'token_malformed', () => withClaims(Buffer.from(claims(''), 'utf16le'))],
  ['JO-18: claims with an overlong slash', 'token_malformed', () => withClaims(bytes(claims(',"x":"\xc0\xaf"')))],
  ['JO-18: claims with half a surrogate pair', 'token_malformed', () => withClaims(claims(',"x":"\\ud83d"'))],
  ['JO-18: claims with a NUL after them', 'token_malformed', () => withClaims(`${claims('')}\0`)],
  ['JO-18: two claims sets', 'token_malformed', () => withClaims(claims('') + claims(''))],
  ['JO-18: claims that are a string', 'token_malformed', () => withClaims(JSON.stringify(claims('')))],
  ['JO-18: claims that are an array', 'token_malformed', () => withClaims(`[${claims('')}]`)],
  ['JO-18: claims that are a token', 'token_malformed', () => withClaims(mint({ key }))],
  ['RI-5: aud with a number', 'token_malformed', () => mint({ key, claims: { aud: ['a', 1] } })],
  ['RI-5: aud that is an object', 'token_malformed', () => mint({ key, claims: { aud: { length: 1, 0: 'a' } } })],
  ['AT-5: iss that is an array', 'token_malformed', () => mint({ key, claims: { iss: [goodClaims().iss] } })],
]

const nest = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const listed = (count: number, one: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => one(at)).join()
const dated = (date: string): string => JSON.stringify(goodClaims()).replace(/"exp":\d+/, date)

/** The verdict, and that it is given without an exception, at its cost, and without a word of the token. */
const judge = async ({ verifier }: Verifying, token: string, limitMs = LIMIT_MS): Promise<string> => {
  let outcome: Awaited<ReturnType<typeof verifier.verify>> | undefined
  const ms = await cpuCost(limitMs, async () => {
    outcome = await verifier.verify(token, ['main'], NOW)
  })
  assert.ok(outcome !== undefined)
  assert.ok(ms < limitMs, `${ms} ms`)
  if (!outcome.ok) {
    const said = JSON.stringify(outcome.refusal)
    for (const part of token.split('.')) assert.ok(part.length < 12 || !said.includes(part.slice(0, 4096)), said)
    assert.ok(said.length < 4096, 'what is said of a token is bounded')
  }
  return reasonOf(outcome)
}

for (const [name, expected, make] of hard) {
  test(`${name}: ${expected}, without an exception, and cheaply for what a request can carry`, async () => {
    const verifying = await createVerifying({ keys: [key], tokenSize: 0 })
    const token = make()
    // What is megabytes long and good costs its length. It takes `token_size: 0` and no header can carry it.
    const limitMs = token.length > 100_000 && expected === 'none' ? 2000 : LIMIT_MS
    assert.equal(await judge(verifying, token, limitMs), expected)
    assert.ok((await cpuCost(2000, () => inspect(token))) < 2000)
    // The same within the limit of production: nothing of it is read.
    const limited = await createVerifying({ keys: [key] })
    const refused = token.length > 8192 ? 'token_too_long' : expected
    assert.equal(await judge(limited, token), refused)
  })
}

test('JO-14, JO-15, JO-16: a good token in another alphabet, padded, wrapped or with its unused bits set is refused', async () => {
  const verifying = await createVerifying({ keys: [key] })
  // Such lengths that every part has unused bits.
  const token = mint({ key, header: head(',"x":1'), claims: claims(',"ab":">>>???~~~"') })
  assert.equal(await judge(verifying, token), 'none')
  const parts = token.split('.')
  const spellings = parts.flatMap((part, at) =>
    [
      part.replaceAll('-', '+').replaceAll('_', '/'),
      `${part}=`,
      `${part}==`,
      `${part}A`,
      `${part.slice(0, 8)}\n${part.slice(8)}`,
      `${part.slice(0, 8)} ${part.slice(8)}`,
      `${part.slice(0, 8)}%2D${part.slice(8)}`,
      part.slice(0, -1) + String.fromCharCode((part.charCodeAt(part.length - 1) ?? 0) + 1),
      Buffer.from(part, 'base64url').toString('base64'),
      Buffer.from(part, 'base64url').toString('hex'),
      Buffer.from(part).toString('base64url'),
      '',
    ]
      .filter((spelling) => spelling !== part)
      .map((spelling) => parts.with(at, spelling).join('.')),
  )
  assert.ok(spellings.length > 30)
  for (const spelling of spellings) {
    const found = await judge(verifying, spelling)
    assert.ok(['token_malformed', 'signature_invalid'].includes(found), `${found} ${spelling}`)
  }
})

test('JO-4, JO-5: of every algorithm in the header with every kind of key behind the kid one pair passes: its own', async (t) => {
  const keys = (['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const).map((alg) => createKey(alg, alg))
  // A set that says of no key what it is for: type and curve alone decide.
  const jwks = { keys: keys.map(({ jwk: { alg: _alg, use: _use, ...rest } }) => rest) }
  const { source } = startSource(t, { kind: 'jwks', jwks }, { algorithms: ALGORITHMS })
  await source.started
  const verifying = await createVerifying({ keys: [] })
  verifying.keys.answer((hint, now) => source.resolve(hint, now))
  const passing: string[] = []
  for (const alg of [
    ...ALGORITHMS,
    'HS256',
    'HS384',
    'HS512',
    'RS384',
    'PS512',
    'ES256K',
    'none',
    'RSA-OAEP-256',
    'dir',
  ]) {
    for (const signer of keys) {
      const found = await judge(verifying, mint({ key: signer, header: { alg } }))
      if (found === 'none') passing.push(`${alg} by ${signer.alg}`)
      else
        assert.ok(
          ['algorithm_refused', 'key_unknown', 'signature_invalid'].includes(found),
          `${alg} ${signer.alg} ${found}`,
        )
    }
  }
  const own = keys.map(({ alg }) => `${alg} by ${alg}`)
  assert.deepEqual(passing.sort(), [...own, 'Ed25519 by EdDSA'].sort())
})

test('JO-4: a MAC keyed with the public key of the kid, in every form it is published in, is refused', async (t) => {
  for (const alg of ['RS256', 'ES256', 'EdDSA'] as const) {
    const signer = createKey(alg, 'k1')
    const { source } = startSource(t, { kind: 'jwks', jwks: { keys: [signer.jwk] } }, { algorithms: ALGORITHMS })
    await source.started
    const publicKey = createPublicKey(signer.privateKey)
    const secrets: readonly (string | Buffer)[] = [
      publicKey.export({ format: 'pem', type: 'spki' }),
      publicKey.export({ format: 'der', type: 'spki' }),
      JSON.stringify(signer.jwk),
      signer.jwk.n ?? signer.jwk.x ?? '',
      Buffer.from(signer.jwk.n ?? signer.jwk.x ?? '', 'base64url'),
      '',
    ]
    for (const algorithms of [ALGORITHMS, [...ALGORITHMS, 'HS256']]) {
      const verifying = await createVerifying({ keys: [], token: { algorithms } })
      verifying.keys.answer((hint, now) => source.resolve(hint, now))
      for (const secret of secrets) {
        for (const claimed of ['HS256', alg]) {
          const input = `${base64url(JSON.stringify({ alg: claimed, typ: 'at+jwt', kid: 'k1' }))}.${base64url(claims(''))}`
          const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
          const found = await judge(verifying, token)
          assert.ok(['algorithm_refused', 'key_unknown', 'signature_invalid'].includes(found), found)
        }
      }
    }
  }
})

/** Keys that the issuer should not have published, with what signs for them. */
const weakKeys = (): Readonly<Record<string, { readonly signer: TestKey; readonly jwk: JsonWebKey }>> => {
  const ofRsa = (bits: number) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
    const signer: TestKey = { ...createKey('EdDSA', 'weak'), alg: 'RS256', kid: 'weak', privateKey }
    return { signer, jwk: publicKey.export({ format: 'jwk' }) }
  }
  const ec = createKey('ES256', 'weak')
  const rsa = createKey('RS256', 'weak')
  const k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const flip = (value: string | undefined): string => {
    const coordinate = Buffer.from(value ?? '', 'base64url')
    coordinate[31] = (coordinate[31] ?? 0) ^ 1
    return coordinate.toString('base64url')
  }
  return {
    'JO-8: RSA of 1024 bits': ofRsa(1024),
    'JO-8: RSA of 2047 bits': ofRsa(2047),
    'JO-7: RSA with the exponent 1': { signer: rsa, jwk: { ...rsa.jwk, e: 'AQ' } },
    'JO-21: a point off the curve': { signer: ec, jwk: { ...ec.jwk, y: flip(ec.jwk.y) } },
    'JO-21: the point 0, 0': {
      signer: ec,
      jwk: { ...ec.jwk, x: base64url(Buffer.alloc(32)), y: base64url(Buffer.alloc(32)) },
    },
    'JO-21: coordinates beyond the field': { signer: ec, jwk: { ...ec.jwk, x: base64url(Buffer.alloc(32, 0xff)) } },
    'JO-7: P-256 said to be P-384': { signer: ec, jwk: { ...ec.jwk, crv: 'P-384', alg: 'ES384' } },
    'JO-7: secp256k1 said to be P-256': {
      signer: { ...ec, privateKey: k1.privateKey },
      jwk: { ...k1.publicKey.export({ format: 'jwk' }), crv: 'P-256' },
    },
    'JO-6: a key for encryption': { signer: ec, jwk: { ...ec.jwk, use: 'enc' } },
    'JO-5: a key for another algorithm': { signer: rsa, jwk: { ...rsa.jwk, alg: 'PS256' } },
    'JO-4: an HMAC key in a public set': { signer: ec, jwk: { kty: 'oct', k: base64url(Buffer.alloc(32, 1)) } },
  }
}

for (const [name, { signer, jwk }] of Object.entries(weakKeys())) {
  test(`${name}: what it signed is key_unknown, and the good key beside it goes on`, async (t) => {
    const jwks = { keys: [{ ...jwk, kid: 'weak' }, key.jwk] }
    const { source } = startSource(t, { kind: 'jwks', jwks }, { algorithms: ALGORITHMS })
    await source.started
    const verifying = await createVerifying({ keys: [] })
    verifying.keys.answer((hint, now) => source.resolve(hint, now))
    assert.equal(await judge(verifying, mint({ key: signer })), 'key_unknown')
    assert.equal(await judge(verifying, mint({ key: signer, header: { kid: undefined } })), 'key_unknown')
    // Without a signature, and with one of zeros.
    const input = mint({ key: signer }).split('.').slice(0, 2).join('.')
    assert.equal(await judge(verifying, `${input}.`), 'key_unknown')
    assert.equal(await judge(verifying, `${input}.${base64url(Buffer.alloc(64))}`), 'key_unknown')
    assert.equal(await judge(verifying, mint({ key })), 'none')
  })
}

test('JO-10: a key that the token brings along is no key, whatever signed with it', async () => {
  const own = createKey('ES256', 'own')
  const verifying = await createVerifying({ keys: [key] })
  for (const brought of [
    { jwk: own.jwk },
    { jku: 'https://evil.test/jwks' },
    { x5u: 'https://evil.test/x5u' },
    { x5c: [base64url(createPublicKey(own.privateKey).export({ format: 'der', type: 'spki' }))] },
    { kid: 'k1', jwk: own.jwk },
  ]) {
    const found = await judge(verifying, mint({ key: own, header: brought }))
    assert.equal(found, 'key_unknown')
  }
  const input = `${base64url(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', jwk: own.jwk }))}.${base64url(claims(''))}`
  assert.equal(await judge(verifying, `${input}.${signWith(own, input).toString('base64url')}`), 'signature_invalid')
})
