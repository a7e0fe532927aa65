import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { forwardedThumbprint, thumbprintOf } from '../../src/http/client-certificate.ts'
import { assertInProportion } from '../support/cost-ratio.ts'
import { type Identity, issue, pemOf } from '../support/tls.ts'

const alice = issue('alice')
const mallory = issue('mallory')
const field = ({ der }: Identity): string => `:${der.toString('base64')}:`
const hash = ({ der }: Identity): string => `Hash=${createHash('sha256').update(der).digest('hex')}`
/** As Envoy writes it. */
const escaped = (pem: string): string =>
  pem.replaceAll(/[\n +/=]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
const cert = ({ cert: pem }: Identity): string => `Cert="${escaped(pem)}"`

const said = (clientCert: readonly string[], forwardedClientCert: readonly string[] = []): string | undefined =>
  forwardedThumbprint({ for: '', proto: '', host: '', forwarded: '', clientCert, forwardedClientCert })

/** A certificate whose length leaves that rest by three, so that its base64 needs padding. */
const withRest = (rest: 1 | 2): Identity => {
  for (let name = 'a'; ; name += 'a') {
    const identity = issue(name)
    if (identity.der.length % 3 === rest) return identity
  }
}

const expected = createHash('sha256').update(alice.der).digest('base64url')

test('MT-1: a thumbprint is SHA-256 of the DER in base64url without padding', () => {
  assert.equal(thumbprintOf(alice.der), expected)
  assert.match(expected, /^[\w-]{43}$/)
})

test('MT-4: `Client-Cert` is one line with one byte sequence that is a certificate, and nothing else', () => {
  assert.equal(said([field(alice)]), expected)
  const base64 = alice.der.toString('base64')
  const padded = withRest(1)
  assert.equal(said([field(padded)]), thumbprintOf(padded.der))
  const paddedBase64 = padded.der.toString('base64')
  for (const [what, lines] of [
    ['nothing', []],
    ['an empty line', ['']],
    ['no octets', ['::']],
    ['a repeated line', [field(alice), field(alice)]],
    ['two lines', [field(mallory), field(alice)]],
    ['a list', [`${field(alice)}, ${field(mallory)}`]],
    ['a list of the same', [`${field(alice)},${field(alice)}`]],
    ['a list of one with an empty rest', [`${field(alice)},`]],
    ['an inner list', [`(${field(alice)})`]],
    ['a parameter', [`${field(alice)};a=1`]],
    ['a flag', [`${field(alice)};a`]],
    ['a semicolon', [`${field(alice)};`]],
    ['no colons', [base64]],
    ['one colon', [`:${base64}`]],
    ['three colons', [`${field(alice)}:`]],
    ['a string', [`"${base64}"`]],
    ['a space before the octets', [`: ${base64}:`]],
    ['a space among them', [`:${base64.slice(0, 8)} ${base64.slice(8)}:`]],
    ['a tab', [`:${base64}\t:`]],
    ['no padding', [`:${paddedBase64.replaceAll('=', '')}:`]],
    ['padding too long', [`:${paddedBase64}=:`]],
    ['base64url', [`:${alice.der.toString('base64url')}-:`]],
    ['a character of neither', [`:${base64.slice(0, 8)}!${base64.slice(8)}:`]],
    ['octets cut off', [`:${alice.der.subarray(0, -3).toString('base64')}:`]],
    ['octets behind it', [`:${Buffer.concat([alice.der, Buffer.alloc(3)]).toString('base64')}:`]],
    ['two certificates', [`:${Buffer.concat([alice.der, mallory.der]).toString('base64')}:`]],
    ['no certificate', [`:${Buffer.from('hello').toString('base64')}:`]],
    ['PEM', [`:${Buffer.from(alice.cert).toString('base64')}:`]],
    ['PEM as it is', [alice.cert.replaceAll('\n', ' ')]],
    ['percent-encoded PEM', [escaped(alice.cert)]],
    ['17 KiB', [`:${Buffer.alloc(13 * 1024).toString('base64')}:`]],
  ] as const) {
    assert.equal(said(lines), undefined, what)
  }
})

test('MT-4: no certificate is too large for the field that is a certificate of a real size, one beyond the limit is', () => {
  const uris = (count: number): string[] => Array.from({ length: count }, (_, i) => `https://name.test/${i}`)
  const [large, huge] = [issue('large', { uris: uris(400) }), issue('huge', { uris: uris(700) })]
  assert.ok(large.der.length > 8000 && huge.der.length > 14_000)
  assert.equal(said([field(large)]), thumbprintOf(large.der))
  assert.equal(said([field(huge)]), undefined)
})

test('base64 whose unused bits are not zero is another spelling, and refused', () => {
  const base64 = withRest(1).der.toString('base64')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const twisted = base64.replace(
    /(.)(=+)$/,
    (_, last: string, pad: string) => `${alphabet[alphabet.indexOf(last) + 1]}${pad}`,
  )
  assert.deepEqual(Buffer.from(twisted, 'base64'), Buffer.from(base64, 'base64'))
  assert.equal(said([`:${twisted}:`]), undefined)
})

test('MT-4: `X-Forwarded-Client-Cert` is one element, by its Cert or its Hash', () => {
  for (const [what, line] of [
    ['a hash', hash(alice)],
    ['a hash in upper case', hash(alice).replace(/[a-f]/g, (digit) => digit.toUpperCase())],
    ['a hash in quotes', hash(alice).replace(/=(.*)/, '="$1"')],
    ['a certificate', cert(alice)],
    ['a certificate without its last line feed', cert(alice).replace('%0A"', '"')],
    ['both', `${hash(alice)};${cert(alice)}`],
    ['keys in any case', `hash=${hash(alice).slice(5)};CERT=${cert(alice).slice(5)}`],
    [
      'all that Envoy writes',
      `By=spiffe://a/b;${hash(alice)};${cert(alice)};Chain="${escaped(alice.cert + mallory.cert)}";Subject="CN=a,O=\\"b\\";x";URI=spiffe://a/c?d=e;DNS=a.test;DNS=b.test`,
    ],
    ['By and URI twice', `By=a;By=b;URI=c;URI=d;${hash(alice)}`],
    ['an empty subject', `${hash(alice)};Subject="";URI=`],
    ['what looks like another, in quotes', `${hash(alice)};Subject="a;${hash(mallory)},${hash(mallory)}"`],
  ] as const) {
    assert.equal(said([], [line]), expected, what)
  }
})

test('MT-4: what has two readings in `X-Forwarded-Client-Cert` has none', () => {
  const hex = hash(alice).slice(5)
  for (const [what, lines] of [
    ['nothing in it', ['']],
    ['two lines', [hash(alice), hash(alice)]],
    ['two elements', [`${hash(alice)},${hash(mallory)}`]],
    ['two of the same', [`${hash(alice)}, ${hash(alice)}`]],
    ['an empty second element', [`${hash(alice)},`]],
    ['an empty first element', [`,${hash(alice)}`]],
    ['only who it is for', ['By=spiffe://a/b']],
    ['only the chain', [`Chain="${escaped(alice.cert)}"`]],
    ['another certificate than the hash', [`${hash(alice)};${cert(mallory)}`]],
    ['another hash than the certificate', [`${cert(alice)};${hash(mallory)}`]],
    ['two hashes', [`${hash(alice)};${hash(mallory)}`]],
    ['the same hash twice', [`${hash(alice)};HASH=${hex}`]],
    ['two certificates', [`${cert(alice)};${cert(mallory)}`]],
    ['names with a hash in them', [`${hash(alice)};URI=x;${hash(mallory)}`]],
    ['names with a certificate in them', [`${hash(alice)};URI=x;${cert(mallory)}`]],
    ['names with an element in them', [`${hash(alice)};URI=x,${hash(mallory)}`]],
    ['a good hash and a broken certificate', [`${hash(alice)};Cert="x"`]],
    ['a good certificate and a broken hash', [`${cert(alice)};Hash=x`]],
    ['an empty hash', ['Hash=']],
    ['an empty certificate', [`${hash(alice)};Cert=""`]],
    ['a short hash', [`Hash=${hex.slice(2)}`]],
    ['a long hash', [`Hash=${hex}00`]],
    ['a hash in base64url', [`Hash=${expected}`]],
    ['an open quote', [`${hash(alice)};Subject="a`]],
    ['an open escape', [`${hash(alice)};Subject="a\\"`]],
    ['something behind the quote', [`Hash="${hex}"x`]],
    ['a semicolon at the end', [`${hash(alice)};`]],
    ['a space behind the semicolon', [`By=a; ${hash(alice)}`]],
    ['a word without a value', [`${hash(alice)};x`]],
    ['no key', [`=a;${hash(alice)}`]],
    ['a Client-Cert', [field(alice)]],
    ['a certificate that is not encoded', [`Cert="${alice.cert.replaceAll('\n', ' ')}"`]],
    ['a broken percent sign', [`Cert="%zz${escaped(alice.cert)}"`]],
    ['text before it', [`Cert="x${escaped(`\n${alice.cert}`)}"`]],
    ['text behind it', [`Cert="${escaped(`${alice.cert}x`)}"`]],
    ['two in one', [`Cert="${escaped(alice.cert + mallory.cert)}"`]],
    ['a damaged one', [`Cert="${escaped(pemOf(alice.der.subarray(0, -3)))}"`]],
    ['octets behind its end', [`Cert="${escaped(pemOf(Buffer.concat([alice.der, Buffer.alloc(3)])))}"`]],
    ['17 KiB', [`${hash(alice)};Subject="${'a'.repeat(17 * 1024)}"`]],
  ] as const) {
    assert.equal(said([], lines), undefined, what)
  }
})

test('MT-4: both fields may stand there when they agree; one that is broken spoils the other', () => {
  assert.equal(said([field(alice)], [hash(alice)]), expected)
  for (const [one, other] of [
    [[field(alice)], [hash(mallory)]],
    [[field(mallory)], [cert(alice)]],
    [[field(alice)], ['']],
    [[''], [hash(alice)]],
    [[field(alice), field(alice)], [hash(alice)]],
    [[field(alice)], [hash(alice), hash(alice)]],
  ] as const) {
    assert.equal(said(one, other), undefined)
  }
})

test('what is hostile in these fields costs no more than its length', () => {
  const hostile: readonly ((octets: number) => string)[] = [
    (octets) => `By="${'\\"'.repeat(octets / 2)}`,
    (octets) => 'A='.repeat(octets / 2),
    (octets) => 'A="";'.repeat(octets / 5),
    (octets) => `${'A=;'.repeat(octets / 3)},`,
  ]
  for (const make of hostile) {
    assertInProportion(make(10), 32_768, (octets) => {
      const line = make(octets)
      const own = `:${'A'.repeat(octets)}`
      return () => {
        assert.equal(said([own], [line]), undefined)
        assert.equal(said([], [line]), undefined)
      }
    })
  }
})
