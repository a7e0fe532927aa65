import assert from 'node:assert/strict'
import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  privateEncrypt,
  randomBytes,
  sign,
} from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { compactVerify } from 'jose'
import { checkSignature, checkSignatureAside, isSlowToCheck } from '../../src/token/signature.ts'
import { base64url, createKey, mint, publicKeyOf, signWith, type TestAlg, type TestKey } from '../support/tokens.ts'

const ALGS: readonly TestAlg[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
]
const SLOW: readonly string[] = ['ES384', 'ES512']

/** Something that signs, and what its signatures are checked with. */
interface Signer {
  readonly alg: string
  readonly check: KeyObject
  readonly sign: (input: string) => Buffer
}

const testKeys = ALGS.map((alg) => createKey(alg, alg))
const byAlg = (alg: TestAlg): TestKey => testKeys.find((key) => key.alg === alg) ?? assert.fail(alg)

const hmacSigner = (bits: number, secret = createSecretKey(randomBytes(bits / 8))): Signer => ({
  alg: `HS${bits}`,
  check: secret,
  sign: (input) => createHmac(`sha${bits}`, secret).update(input).digest(),
})

const asymmetric: readonly Signer[] = [
  ...testKeys.map((key) => ({
    alg: key.alg,
    check: publicKeyOf(key.jwk),
    sign: (input: string) => signWith(key, input),
  })),
  {
    alg: 'Ed25519',
    check: publicKeyOf(byAlg('EdDSA').jwk),
    sign: (input: string) => signWith(byAlg('EdDSA'), input),
  },
]
const symmetric = [256, 384, 512].map((bits) => hmacSigner(bits))
const signers: readonly Signer[] = [...asymmetric, ...symmetric]

const inputFor = (alg: string, payload = '{"iss":"https://as.test"}'): string =>
  `${base64url(JSON.stringify({ alg, typ: 'at+jwt' }))}.${base64url(payload)}`
const tokenBy = (signer: Signer, payload?: string): string => {
  const input = inputFor(signer.alg, payload)
  return `${input}.${base64url(signer.sign(input))}`
}

/** Both ways to ask must agree; what is returned is the synchronous one. */
const isSigned = async (signed: string, alg: string, key: KeyObject): Promise<boolean> => {
  const verdict = checkSignature(signed, alg, key)
  assert.equal(typeof verdict, 'boolean')
  if (key.type !== 'secret') assert.equal(await checkSignatureAside(signed, alg, key), verdict, `${alg} aside`)
  return verdict
}

test('a signature by the key is proven, with each algorithm, and Ed25519 by either name (JO-26)', async () => {
  for (const signer of signers) {
    assert.equal(await isSigned(tokenBy(signer), signer.alg, signer.check), true, signer.alg)
  }
})

test('JO-1, JO-4, JO-5: of all pairs of an algorithm and a key only those that belong together prove anything', async () => {
  for (const signer of signers) {
    for (const other of signers) {
      const family = (alg: string) => (alg === 'EdDSA' ? 'Ed25519' : alg)
      const same = family(signer.alg) === family(other.alg)
      const token = tokenBy(signer)
      assert.equal(await isSigned(token, other.alg, signer.check), same, `${signer.alg} as ${other.alg}`)
      assert.equal(await isSigned(token, signer.alg, other.check), same, `${signer.alg} by a key for ${other.alg}`)
    }
  }
})

test('AT-7: a changed, cut, doubled, empty or foreign signature is not', async () => {
  for (const signer of signers) {
    const input = inputFor(signer.alg)
    const raw = signer.sign(input)
    const wrong: Record<string, Uint8Array> = {
      empty: Buffer.alloc(0),
      'one byte': raw.subarray(0, 1),
      zero: Buffer.alloc(raw.length),
      ones: Buffer.alloc(raw.length, 255),
      cut: raw.subarray(0, -1),
      'cut in front': raw.subarray(1),
      longer: Buffer.concat([raw, Buffer.alloc(1)]),
      'longer in front': Buffer.concat([Buffer.alloc(1), raw]),
      doubled: Buffer.concat([raw, raw]),
      reversed: Buffer.from(raw).reverse(),
      'of other bytes': signer.sign(`${input}x`),
      'of the payload only': signer.sign(input.split('.')[1] ?? ''),
    }
    for (const at of [0, 1, raw.length >> 1, raw.length - 2, raw.length - 1]) {
      wrong[`flipped at ${at}`] = raw.map((byte, index) => (index === at ? byte ^ 1 : byte))
    }
    for (const [name, bytes] of Object.entries(wrong)) {
      const verdict = await isSigned(`${input}.${base64url(bytes)}`, signer.alg, signer.check)
      assert.equal(verdict, false, `${signer.alg} ${name}`)
    }
    assert.equal(await isSigned(`${input}.${base64url(raw)}`, signer.alg, signer.check), true)
  }
})

test('JO-2, JO-3: none, an unknown algorithm and another spelling prove nothing', async () => {
  const names = ['none', 'None', '', 'XS256', 'rs256', 'Rs256', 'HS1', 'ES256K', 'RSA-OAEP', '__proto__', 'constructor']
  for (const signer of signers) {
    for (const alg of [...names, signer.alg.toLowerCase(), ` ${signer.alg}`, `${signer.alg}\0`]) {
      const input = inputFor(alg)
      assert.equal(await isSigned(`${input}.${base64url(signer.sign(input))}`, alg, signer.check), false, alg)
      assert.equal(await isSigned(`${input}.`, alg, signer.check), false, alg)
    }
  }
})

test('an ECDSA signature in DER, or with another width, is not a JWS signature', async () => {
  for (const alg of ['ES256', 'ES384', 'ES512'] as const) {
    const { privateKey, jwk } = byAlg(alg)
    const input = inputFor(alg)
    const der = sign(`sha${alg.slice(2)}`, Buffer.from(input), { key: privateKey, dsaEncoding: 'der' })
    assert.equal(await isSigned(`${input}.${base64url(der)}`, alg, publicKeyOf(jwk)), false)
    const raw = signWith(byAlg(alg), input)
    const half = raw.length / 2
    const padded = [raw.subarray(0, half), raw.subarray(half)].map((part) => Buffer.concat([Buffer.alloc(1), part]))
    assert.equal(await isSigned(`${input}.${base64url(Buffer.concat(padded))}`, alg, publicKeyOf(jwk)), false)
  }
})

/** Orders of the groups (SEC 2). */
const orders = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}
const unsigned = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const octets = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex')

test('ECDSA: r or s that is zero or not below the order proves nothing (CVE-2022-21449)', async () => {
  for (const [alg, order] of Object.entries(orders) as [keyof typeof orders, bigint][]) {
    const key = byAlg(alg)
    const input = inputFor(alg)
    const raw = signWith(key, input)
    const half = raw.length / 2
    const [r, s] = [unsigned(raw.subarray(0, half)), unsigned(raw.subarray(half))]
    const verdict = (one: bigint, other: bigint) => {
      const signature = Buffer.concat([octets(one, half), octets(other, half)])
      return isSigned(`${input}.${base64url(signature)}`, alg, publicKeyOf(key.jwk))
    }
    for (const [one, other] of [
      [0n, 0n],
      [0n, s],
      [r, 0n],
      [order, s],
      [r, order],
      [order, order],
      [r, s === 1n ? 2n : 1n],
      [s, r],
    ] as const) {
      assert.equal(await verdict(one, other), false, alg)
    }
    // Not a forgery, but a second spelling: why the text of a token is nobody's identity (attacks 2.1 row 13).
    assert.equal(await verdict(r, order - s), true, alg)
    if (s + order < 1n << BigInt(8 * half)) assert.equal(await verdict(r, s + order), false, alg)
  }
})

test('EdDSA: s that is not below the order proves nothing, though the equation holds (RFC 8032 section 5.1.7)', async () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const key = byAlg('EdDSA')
  const input = inputFor('EdDSA')
  const raw = signWith(key, input)
  const s = unsigned(Buffer.from(raw.subarray(32)).reverse()) + order
  const twin = Buffer.concat([raw.subarray(0, 32), octets(s, 32).reverse()])
  assert.equal(await isSigned(`${input}.${base64url(twin)}`, 'EdDSA', publicKeyOf(key.jwk)), false)
})

test('RSA-PSS: the salt is as long as the digest, and no other length is accepted', async () => {
  for (const alg of ['PS256', 'PS384', 'PS512'] as const) {
    const { privateKey, jwk } = byAlg(alg)
    const bytes = Number(alg.slice(2)) / 8
    const input = inputFor(alg)
    const salted = (saltLength: number) =>
      sign(`sha${alg.slice(2)}`, Buffer.from(input), {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength,
      })
    for (const length of [0, 1, 20, bytes - 1, bytes, bytes + 1, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
      const verdict = await isSigned(`${input}.${base64url(salted(length))}`, alg, publicKeyOf(jwk))
      assert.equal(verdict, length === bytes, `${alg} with a salt of ${length}`)
    }
  }
})

test('RSASSA-PKCS1-v1_5: only the one exact padding is accepted (Bleichenbacher 2006)', async () => {
  const { privateKey, jwk } = byAlg('RS256')
  const input = inputFor('RS256')
  const digest = hash('sha256', input, 'buffer')
  const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const withoutNull = Buffer.from('302f300b0609608648016503040201', 'hex')
  const sha1Prefix = Buffer.from('3021300906052b0e03021a05000414', 'hex')
  const encoded = (info: Uint8Array, { ones = 256 - 3 - info.length, after = Buffer.alloc(0), type = 1 } = {}) =>
    Buffer.concat([Buffer.from([0, type]), Buffer.alloc(ones, 255), Buffer.from([0]), info, after])
  const info = Buffer.concat([prefix, digest])
  const blocks: readonly (readonly [string, Buffer, boolean])[] = [
    ['exact', encoded(info), true],
    ['garbage behind the hash', encoded(info, { ones: 8, after: randomBytes(256 - 3 - 8 - info.length) }), false],
    ['without the NULL', encoded(Buffer.concat([withoutNull, Buffer.from('0420', 'hex'), digest])), false],
    ['SHA-1', encoded(Buffer.concat([sha1Prefix, hash('sha1', input, 'buffer')])), false],
    ['the bare hash', encoded(digest), false],
    ['block type 2', encoded(info, { type: 2 }), false],
  ]
  for (const [name, block, expected] of blocks) {
    assert.equal(block.length, 256)
    const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block)
    const verdict = await isSigned(`${input}.${base64url(signature)}`, 'RS256', publicKeyOf(jwk))
    assert.equal(verdict, expected, name)
  }
})

test('RSA: a signature that is not below the modulus proves nothing', async () => {
  const key = byAlg('RS256')
  const modulus = unsigned(Buffer.from(key.jwk.n ?? '', 'base64url'))
  let tried = 0
  for (let count = 0; count < 200 && tried === 0; count++) {
    const input = inputFor('RS256', `{"n":${count}}`)
    const twin = (unsigned(signWith(key, input)) + modulus).toString(16)
    if (twin.length > 512) continue
    tried++
    const token = `${input}.${Buffer.from(twin, 'hex').toString('base64url')}`
    assert.equal(await isSigned(token, 'RS256', publicKeyOf(key.jwk)), false)
  }
  // A modulus just below 2^2048 leaves no room for a twin.
  assert.ok(tried === 1 || modulus >> 2040n === 255n)
})

test('JO-8: a key that is weak or of another family proves nothing, whatever the engine thinks', async () => {
  const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
  const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  const cases = [
    ['RS256', rsa(1024)],
    ['PS256', rsa(1024)],
    ['RS256', rsa(2040)],
    ['PS256', rsaPss],
    ['ES256', ec('secp256k1')],
    ['ES256', ec('brainpoolP256r1')],
    ['EdDSA', generateKeyPairSync('ed448')],
  ] as const
  for (const [alg, { privateKey, publicKey }] of cases) {
    const input = inputFor(alg)
    const signature = signWith({ ...byAlg(alg), privateKey }, input)
    const name = `${alg} ${publicKey.asymmetricKeyType} ${JSON.stringify(publicKey.asymmetricKeyDetails?.namedCurve)}`
    assert.equal(await isSigned(`${input}.${base64url(signature)}`, alg, publicKey), false, name)
  }
  for (const type of ['x25519', 'x448'] as const) {
    const { publicKey } = type === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('x448')
    for (const { alg, sign: signed } of asymmetric) {
      const input = inputFor(alg)
      assert.equal(await isSigned(`${input}.${base64url(signed(input))}`, alg, publicKey), false)
    }
  }
})

test('EdDSA: a key of another kind proves nothing, though its DER signature is as long as one of Ed25519', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp224r1' })
  const input = inputFor('EdDSA')
  let signature = Buffer.alloc(0)
  while (signature.length !== 64) signature = sign('sha256', Buffer.from(input), privateKey)
  assert.equal(await isSigned(`${input}.${base64url(signature)}`, 'EdDSA', publicKey), false)
})

test('a private key is not for checking, though its public half would fit', async () => {
  for (const key of testKeys) {
    assert.equal(await isSigned(mint({ key }), key.alg, key.privateKey), false, key.alg)
  }
})

test('JO-4: a secret shorter than the hash proves nothing (RFC 7518 section 3.2)', async () => {
  for (const bits of [256, 384, 512]) {
    for (const [length, expected] of [
      [0, false],
      [bits / 8 - 1, false],
      [bits / 8, true],
      [bits / 8 + 1, true],
      [300, true],
    ] as const) {
      const signer = hmacSigner(bits, createSecretKey(randomBytes(length)))
      assert.equal(await isSigned(tokenBy(signer), signer.alg, signer.check), expected, `HS${bits} with ${length}`)
    }
  }
})

test('JO-4: row 3: a MAC that is keyed with a public key, in whatever form, proves nothing by that key', async () => {
  for (const { jwk, alg } of testKeys) {
    const key = publicKeyOf(jwk)
    const pem = key.export({ format: 'pem', type: 'spki' }).toString()
    const forms: readonly (string | Buffer)[] = [
      pem,
      pem.trim(),
      ` ${pem}`,
      key.export({ format: 'der', type: 'spki' }),
      JSON.stringify(jwk),
      jwk.n ?? jwk.x ?? '',
      Buffer.from(jwk.n ?? jwk.x ?? '', 'base64url'),
      '',
    ]
    for (const form of forms) {
      for (const bits of [256, 384, 512]) {
        const input = inputFor(`HS${bits}`)
        const mac = createHmac(`sha${bits}`, form).update(input).digest('base64url')
        assert.equal(await isSigned(`${input}.${mac}`, `HS${bits}`, key), false, alg)
        assert.equal(await isSigned(`${input}.${mac}`, alg, key), false, alg)
      }
    }
  }
})

test('JO-14, JO-16: a signature has one spelling', async () => {
  for (const signer of signers) {
    const token = tokenBy(signer)
    const cut = token.lastIndexOf('.') + 1
    const [head, text] = [token.slice(0, cut), token.slice(cut)]
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spellings = [`${text}=`, `${text}==`, ` ${text}`, `${text}\n`, `${text.slice(0, 9)}\n${text.slice(9)}`]
    spellings.push(`${text}A`, `${text}AA`, `${text}!`, `${text}\0`, text.replace(/.$/, '\u0141'))
    if (/[-_]/.test(text)) spellings.push(text.replaceAll('-', '+').replaceAll('_', '/'))
    // In the unused bits of the last character only.
    const last = alphabet.indexOf(text.at(-1) ?? '')
    if (text.length % 4 !== 0) spellings.push(`${text.slice(0, -1)}${alphabet[last + 1]}`)
    for (const spelling of spellings) {
      assert.equal(await isSigned(head + spelling, signer.alg, signer.check), false, `${signer.alg} ${spelling}`)
    }
    assert.equal(await isSigned(head + text, signer.alg, signer.check), true)
  }
})

test('what was signed is the text before the last dot, byte for byte, and no text that merely looks alike in bytes', async () => {
  for (const signer of signers) {
    const over = (signedBytes: Buffer | string, shown: string): Promise<boolean> =>
      isSigned(`${shown}.${base64url(signer.sign(String(signedBytes)))}`, signer.alg, signer.check)
    for (const text of ['', '.', 'a', 'a.b.c', '....']) assert.equal(await over(text, text), true, text)
    // One character of UTF-16 whose low byte is another's; a character of two bytes; lone surrogates, which all read alike.
    assert.equal(await over('A.b', '\u0141.b'), false)
    assert.equal(await over('é.b', 'é.b'), false)
    assert.equal(await over('\ufffd.b', '\ud800.b'), false)
    const token = tokenBy(signer)
    for (const changed of [
      `${token}.`,
      `.${token}`,
      token.replace('.', '..'),
      token.replaceAll('.', ''),
      `${token} `,
    ]) {
      assert.equal(await isSigned(changed, signer.alg, signer.check), false)
    }
  }
})

test('whatever comes, there is an answer, it is no, and nothing is thrown', async () => {
  const keys: readonly unknown[] = [
    ...signers.map(({ check }) => check),
    ...testKeys.map(({ privateKey }) => privateKey),
    ...[undefined, null, {}, 'secret', Buffer.alloc(64), { type: 'public', asymmetricKeyType: 'rsa' }],
    { type: 'public', asymmetricKeyType: 'ed25519' },
    { type: 'secret', symmetricKeySize: 64 },
  ]
  const algs = [...signers.map(({ alg }) => alg), 'none', '', undefined, null, 7, {}]
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '.', '..', 'a.b.c', 'e30..', '\ud800.\udfff', undefined, null, 7, {}),
    fc.tuple(fc.string(), fc.uint8Array({ minLength: 60, maxLength: 70 })).map(([a, b]) => `${a}.${base64url(b)}`),
    fc.uint8Array({ minLength: 256, maxLength: 256 }).map((bytes) => `e30.e30.${base64url(bytes)}`),
  )
  await fc.assert(
    fc.asyncProperty(texts, fc.constantFrom(...algs), fc.constantFrom(...keys), async (text, alg, key) => {
      const asked = [text as string, alg as string, key as KeyObject] as const
      assert.equal(checkSignature(...asked), false)
      assert.equal(await checkSignatureAside(...asked), false)
    }),
    { numRuns: 1500 },
  )
})

test('jose, which checks by another way, is of the same mind about good signatures and about mutated ones', async () => {
  const isSignedByJose = (token: string, { alg, check }: Signer): Promise<boolean> =>
    compactVerify(token, check, { algorithms: [alg] }).then(
      () => true,
      () => false,
    )
  const mutations = fc.oneof(
    fc.constant(undefined),
    fc.record({ part: fc.constant('signature' as const), at: fc.nat(2000), bit: fc.nat(7) }),
    fc.record({ part: fc.constant('payload' as const), at: fc.nat(2000), bit: fc.nat(7) }),
    fc.record({ part: fc.constant('length' as const), at: fc.integer({ min: -3, max: 3 }), bit: fc.nat(7) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...signers), fc.string(), mutations, async (signer, text, mutation) => {
      const input = inputFor(signer.alg, JSON.stringify({ text }))
      const [header = '', body = ''] = input.split('.')
      const payload = Buffer.from(body, 'base64url')
      let signature = signer.sign(input)
      if (mutation?.part === 'length') {
        const longer = Buffer.concat([signature, Buffer.alloc(Math.max(0, mutation.at))])
        signature = mutation.at < 0 ? longer.subarray(0, mutation.at) : longer
      } else if (mutation !== undefined) {
        const bytes = mutation.part === 'signature' ? signature : payload
        const at = mutation.at % bytes.length
        bytes[at] = (bytes[at] ?? 0) ^ (1 << mutation.bit)
      }
      const token = `${header}.${base64url(payload)}.${base64url(signature)}`
      const verdict = await isSigned(token, signer.alg, signer.check)
      assert.equal(verdict, mutation === undefined || (mutation.part === 'length' && mutation.at === 0))
      assert.equal(await isSignedByJose(token, signer), verdict)
    }),
    { numRuns: 600 },
  )
})

test('row 12: keys whose check takes half a millisecond and more are told, so that no flood of them holds the loop', async () => {
  for (const { alg, check } of signers) assert.equal(isSlowToCheck(check), SLOW.includes(alg), alg)
  const n = (bits: number) => base64url(Buffer.concat([Buffer.alloc(bits / 8 - 1, 255), Buffer.from([255])]))
  const rsa = (bits: number) => createPublicKey({ key: { kty: 'RSA', n: n(bits), e: 'AQAB' }, format: 'jwk' })
  assert.deepEqual(
    [2048, 4096, 4104, 16384].map((bits) => isSlowToCheck(rsa(bits))),
    [false, false, true, true],
  )
})

test('JO-4: no MAC is ever made aside', async () => {
  for (const signer of symmetric) {
    assert.equal(await checkSignatureAside(tokenBy(signer), signer.alg, signer.check), false)
  }
})
