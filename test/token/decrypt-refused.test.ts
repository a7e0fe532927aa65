import assert from 'node:assert/strict'
import {
  constants,
  createHash,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { test } from 'node:test'
import { vetDecryptionKeys } from '../../src/keys/decryption-vet.ts'
import { createAside, MOST_ASIDE } from '../../src/token/aside.ts'
import { decrypt } from '../../src/token/decrypt.ts'
import { contentOf } from '../../src/token/jwe-content.ts'
import { createDecryptionJwk, encrypt, encryptionKeyOf, type PrivateJwk } from '../support/encryption-keys.ts'
import { ISSUER } from '../support/tokens.ts'
import { agreements, byHand, CLOSED, keys, main, oaep, opening, RSA_HEADER, signed } from './decrypt-setup.ts'

test('the control: a JWE made by hand opens', async () => {
  assert.equal(await opening(byHand(RSA_HEADER, oaep)), 'main')
})

const replaceHeader = (token: string, header: unknown): string =>
  [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.')

const NOT_ACCEPTED = 'an alg that is not accepted'

for (const { what, fault, make } of [
  {
    what: 'RSA1_5 (JO-22)',
    fault: NOT_ACCEPTED,
    make: () =>
      byHand({ ...RSA_HEADER, alg: 'RSA1_5' }, (cek) =>
        publicEncrypt({ key: encryptionKeyOf(keys.RSA) as KeyObject, padding: constants.RSA_PKCS1_PADDING }, cek),
      ),
  },
  { what: 'RSA-OAEP with SHA-1', fault: NOT_ACCEPTED, make: () => encrypt(signed, { key: keys.RSA, alg: 'RSA-OAEP' }) },
  { what: 'RSA-OAEP-512', fault: NOT_ACCEPTED, make: () => encrypt(signed, { key: keys.RSA, alg: 'RSA-OAEP-512' }) },
  {
    what: 'ECDH-ES+A192KW',
    fault: NOT_ACCEPTED,
    make: () => encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES+A192KW' }),
  },
  {
    what: 'A128KW with the shared key of dir',
    fault: NOT_ACCEPTED,
    make: () => encrypt(signed, { key: keys.A128GCM, alg: 'A128KW' }),
  },
  {
    what: 'A256GCMKW with the shared key of dir',
    fault: NOT_ACCEPTED,
    make: () => encrypt(signed, { key: keys.A256GCM, alg: 'A256GCMKW' }),
  },
  {
    what: 'PBES2 with a shared key as password (JO-24)',
    fault: NOT_ACCEPTED,
    make: () => encrypt(signed, { key: keys.A128GCM, alg: 'PBES2-HS256+A128KW' }),
  },
  {
    what: 'PBES2 with p2c 2^31-1 (JO-24)',
    fault: NOT_ACCEPTED,
    make: () =>
      byHand(
        { alg: 'PBES2-HS512+A256KW', enc: 'A128GCM', cty: 'JWT', p2c: 2 ** 31 - 1, p2s: 'AAAAAAAAAAAAAAAAAAAAAA' },
        () => randomBytes(24),
      ),
  },
  {
    what: 'alg in other letters (JO-2)',
    fault: NOT_ACCEPTED,
    make: () => byHand({ ...RSA_HEADER, alg: 'rsa-oaep-256' }, oaep),
  },
  { what: 'alg none', fault: NOT_ACCEPTED, make: () => byHand({ ...RSA_HEADER, alg: 'none' }, oaep) },
  {
    what: 'alg that is a list',
    fault: NOT_ACCEPTED,
    make: () => byHand({ ...RSA_HEADER, alg: ['RSA-OAEP-256'] }, oaep),
  },
  { what: 'no alg', fault: NOT_ACCEPTED, make: () => byHand({ ...RSA_HEADER, alg: undefined }, oaep) },
  {
    what: 'A192GCM',
    fault: 'an enc that is not accepted',
    make: () => encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES', enc: 'A192GCM' }),
  },
  { what: 'no enc', fault: 'an enc that is not accepted', make: () => byHand({ ...RSA_HEADER, enc: undefined }, oaep) },
  {
    what: 'zip: 5 MB of zeros (JO-23)',
    fault: 'its header has crit, b64 or zip',
    make: () => encrypt(Buffer.alloc(5_000_000), { key: keys['P-256'], alg: 'ECDH-ES', header: { zip: 'DEF' } }),
  },
  {
    what: 'zip around a good token (JO-23)',
    fault: 'its header has crit, b64 or zip',
    make: () => encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES', header: { zip: 'DEF' } }),
  },
  {
    what: 'zip that is null',
    fault: 'its header has crit, b64 or zip',
    make: () => byHand({ ...RSA_HEADER, zip: null }, oaep),
  },
  {
    what: 'crit (JO-11)',
    fault: 'its header has crit, b64 or zip',
    make: () => byHand({ ...RSA_HEADER, crit: ['exp'], exp: 1 }, oaep),
  },
  {
    what: 'an empty crit',
    fault: 'its header has crit, b64 or zip',
    make: () => byHand({ ...RSA_HEADER, crit: [] }, oaep),
  },
  {
    what: 'b64 (JO-12)',
    fault: 'its header has crit, b64 or zip',
    make: () => byHand({ ...RSA_HEADER, b64: true }, oaep),
  },
  {
    what: 'a kid that is a number (JO-9)',
    fault: 'a kid that is none',
    make: () => byHand({ ...RSA_HEADER, kid: 1 }, oaep),
  },
  {
    what: 'a kid of 257 characters (JO-9)',
    fault: 'a kid that is none',
    make: () => byHand({ ...RSA_HEADER, kid: 'k'.repeat(257) }, oaep),
  },
  {
    what: 'a kid that no key has',
    fault: 'no key of ours is for its kid, alg and enc',
    make: () => byHand({ ...RSA_HEADER, kid: 'RSA' }, oaep),
  },
  {
    what: 'the kid of another kind of key',
    fault: 'no key of ours is for its kid, alg and enc',
    make: () => byHand({ ...RSA_HEADER, kid: 'p256' }, oaep),
  },
  {
    what: 'no cty',
    fault: 'a cty that does not say that a signed JWT is in it',
    make: () => byHand({ ...RSA_HEADER, cty: undefined }, oaep),
  },
  {
    what: 'a cty of something else',
    fault: 'a cty that does not say that a signed JWT is in it',
    make: () => byHand({ ...RSA_HEADER, cty: 'application/json' }, oaep),
  },
  {
    what: 'an inner JWE (JO-20)',
    fault: CLOSED,
    make: async () => byHand(RSA_HEADER, oaep, await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES' })),
  },
  {
    what: 'claims without a signature (AT-16)',
    fault: CLOSED,
    make: () => byHand(RSA_HEADER, oaep, JSON.stringify({ iss: ISSUER, sub: 'admin' })),
  },
  { what: 'a signed JWT with a line end', fault: CLOSED, make: () => byHand(RSA_HEADER, oaep, `${signed}\n`) },
  { what: 'two dots and bytes beyond ASCII', fault: CLOSED, make: () => byHand(RSA_HEADER, oaep, 'é.é.é') },
  { what: 'nothing', fault: CLOSED, make: () => byHand(RSA_HEADER, oaep, '') },
  {
    what: 'a content key that is too short',
    fault: CLOSED,
    make: () => byHand(RSA_HEADER, (cek) => oaep(cek.subarray(1))),
  },
  {
    what: 'a content key that is too long',
    fault: CLOSED,
    make: () => byHand(RSA_HEADER, (cek) => oaep(Buffer.concat([cek, cek]))),
  },
  {
    what: 'an encrypted key beside dir',
    fault: CLOSED,
    make: async () =>
      (await encrypt(signed, { key: keys.A128GCM, alg: 'dir', enc: 'A128GCM' })).replace('..', '.AAAA.'),
  },
  {
    what: 'an encrypted key beside ECDH-ES',
    fault: CLOSED,
    make: async () => (await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES' })).replace('..', '.AAAA.'),
  },
  { what: 'no encrypted key', fault: CLOSED, make: () => byHand(RSA_HEADER, () => Buffer.alloc(0)) },
  {
    what: 'a header that is no JSON',
    fault: 'its header is not a JSON object that is well-formed',
    make: () => 'eyJh.AAAA.AAAA.AAAA.AAAA',
  },
  {
    what: 'a header that is a list',
    fault: 'its header is not a JSON object that is well-formed',
    make: () => replaceHeader('.AAAA.AAAA.AAAA.AAAA', [RSA_HEADER]),
  },
  {
    what: 'a header that names alg twice (JO-13)',
    fault: 'its header is not a JSON object that is well-formed',
    make: () =>
      [
        Buffer.from('{"alg":"dir","alg":"dir","enc":"A128GCM","cty":"JWT"}').toString('base64url'),
        '',
        'AAAA',
        'AAAA',
        'AAAA',
      ].join('.'),
  },
  { what: 'five empty parts', fault: 'its header is not a JSON object that is well-formed', make: () => '....' },
  {
    what: 'a space',
    fault: 'a part is not canonical base64url',
    make: async () => `${await encrypt(signed, { key: keys.RSA, alg: 'RSA-OAEP-256' })} `,
  },
  {
    what: 'padding (JO-14)',
    fault: 'a part is not canonical base64url',
    make: async () => `${await encrypt(signed, { key: keys.RSA, alg: 'RSA-OAEP-256' })}==`,
  },
  {
    what: 'another spelling of the last byte (JO-16)',
    fault: 'a part is not canonical base64url',
    make: async () => (await encrypt(signed, { key: keys.RSA, alg: 'RSA-OAEP-256' })).replace(/.$/, 'B'),
  },
]) {
  test(`refused as decryption_failed: ${what}`, async () => {
    assert.equal(await opening(await make()), fault)
  })
}

for (const { what, epk } of [
  {
    what: 'a point that is not on the curve',
    epk: { ...publicPart(keys['P-256']), y: Buffer.alloc(32, 1).toString('base64url') },
  },
  {
    what: 'the point at zero',
    epk: {
      kty: 'EC',
      crv: 'P-256',
      x: Buffer.alloc(32).toString('base64url'),
      y: Buffer.alloc(32).toString('base64url'),
    },
  },
  { what: 'a point of another curve', epk: publicPart(keys['P-384']) },
  { what: 'a point of another curve under the name of ours', epk: { ...publicPart(keys['P-384']), crv: 'P-256' } },
  {
    what: 'a key that is of small order (X25519)',
    epk: { kty: 'OKP', crv: 'X25519', x: Buffer.alloc(32).toString('base64url') },
  },
  { what: 'a private key', epk: keys['P-256'] },
  { what: 'a shared key', epk: { kty: 'oct', k: 'AAAA' } },
  { what: 'an RSA key', epk: publicPart(keys.RSA) },
  { what: 'a string', epk: 'epk' },
  { what: 'null', epk: null },
  { what: 'an empty object', epk: {} },
  { what: 'absent', epk: undefined },
]) {
  test(`JO-21: an epk that is ${what} opens nothing`, async () => {
    for (const key of [keys['P-256'], keys.X25519]) {
      for (const alg of agreements) {
        const token = await encrypt(signed, { key, alg })
        assert.equal(
          await opening(replaceHeader(token, { alg, enc: 'A256GCM', cty: 'JWT', kid: key.kid, epk })),
          CLOSED,
        )
      }
    }
  })
}

function publicPart({ d, p, q, dp, dq, qi, ...rest }: PrivateJwk) {
  return rest
}

/** A JWE whose content key is derived from this shared secret, as somebody makes it who knows the secret beforehand. */
const agreedOn = (secret: Buffer, epk: object): string => {
  const number = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer).swap32()
  const info = [number(7), Buffer.from('A128GCM'), number(0), number(0), number(128)]
  const cek = createHash('sha256')
    .update(Buffer.concat([number(1), secret, ...info]))
    .digest()
    .subarray(0, 16)
  return byHand({ alg: 'ECDH-ES', enc: 'A128GCM', cty: 'JWT', epk }, () => Buffer.alloc(0), signed, cek)
}

test('JO-21: a point of another curve, and one of small order, whose secret is known to everybody open nothing', async () => {
  // The control: with an honest point the same construction opens.
  const ephemeral = generateKeyPairSync('x25519')
  const x = createDecryptionJwk('X25519')
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: encryptionKeyOf(x) as KeyObject })
  assert.equal(await opening(agreedOn(secret, ephemeral.publicKey.export({ format: 'jwk' })), main(x)), 'main')

  const zero = Buffer.alloc(32)
  assert.equal(
    await opening(agreedOn(zero, { kty: 'OKP', crv: 'X25519', x: zero.toString('base64url') }), main(x)),
    CLOSED,
  )
  // (5, 0) is a point of order two on the curve with another b, so that every odd private key agrees with it on x = 5.
  const odd = Array.from({ length: 64 }, () => createDecryptionJwk('P-256')).find(
    ({ d = '' }) => (Buffer.from(d, 'base64url').at(-1) ?? 0) % 2 === 1,
  )
  assert.ok(odd)
  const five = Buffer.concat([Buffer.alloc(31), Buffer.of(5)])
  const epk = { kty: 'EC', crv: 'P-256', x: five.toString('base64url'), y: zero.toString('base64url') }
  assert.equal(await opening(agreedOn(five, epk), main(odd)), CLOSED)
})

test('JO-23: compressed content is not inflated, also where the header was not looked at', async () => {
  const [key] = vetDecryptionKeys([keys['P-256']]).keys
  assert.ok(key)
  assert.equal(await contentOf(await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES' }), key.key), signed)
  const zipped = await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES', header: { zip: 'DEF' } })
  assert.equal(await contentOf(zipped, key.key), undefined)
})

test('what needs no key is refused without a promise', () => {
  for (const token of [
    '....',
    'a b....',
    byHand({ ...RSA_HEADER, alg: 'PBES2-HS256+A128KW' }, oaep),
    byHand({ ...RSA_HEADER, zip: 'DEF' }, oaep),
  ]) {
    assert.ok(!(decrypt(token, main(...Object.values(keys)), createAside(MOST_ASIDE)) instanceof Promise), token)
  }
})

test('a JWE of the JSON serialization is no token, however many dots it has', async () => {
  const [head = '', , iv, ciphertext, tag] = (
    await encrypt(signed, { key: keys.A128GCM, alg: 'dir', enc: 'A128GCM' })
  ).split('.')
  const token = JSON.stringify({ protected: head, iv, ciphertext, tag, header: { x: '....' } })
  assert.equal(await opening(token), 'a part is not canonical base64url')
})
