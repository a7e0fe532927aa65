import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalizeHtu, publicUri } from '../../src/decision/public-uri.ts'
import { parseTarget } from '../../src/decision/target.ts'
import { assertInProportion } from '../support/cost-ratio.ts'

const plain = { secure: false, authority: 'evil.test:8080' }

test('DP-7: with a configured origin neither transport nor Host of the request counts', () => {
  for (const secure of [true, false]) {
    for (const authority of ['evil.test', 'api.test:8080', '']) {
      assert.equal(publicUri('https://api.test', { secure, authority }, '/orders/1'), 'https://api.test/orders/1')
    }
  }
})

const seen: readonly (readonly [boolean, string, string, string])[] = [
  [false, 'localhost:8080', '/orders', 'http://localhost:8080/orders'],
  [true, 'LocalHost', '/orders', 'https://localhost/orders'],
  [true, 'h.test:443', '/a', 'https://h.test/a'],
  [false, 'h.test:80', '/a', 'http://h.test/a'],
  [false, 'h.test:443', '/a', 'http://h.test:443/a'],
  [true, 'h.test:80', '/a', 'https://h.test:80/a'],
  [false, '[::1]:8080', '/a', 'http://[::1]:8080/a'],
  [true, '[::1]', '/a', 'https://[::1]/a'],
  [true, 'h.test.', '/a', 'https://h.test/a'],
  [true, 'h.test', '*', 'https://h.test/'],
]
for (const [secure, authority, path, uri] of seen) {
  test(`DP-7: on any host, ${secure ? 'TLS' : 'plain'} to ${authority} for ${path} is ${uri}`, () => {
    assert.equal(publicUri(undefined, { secure, authority }, path), uri)
  })
}

test('DP-7: escapes of the path are in upper case, those that are not unreserved stay', () => {
  assert.equal(publicUri('https://h', plain, '/%c3%a9%2f%3a'), 'https://h/%C3%A9%2F%3A')
})

const same: readonly (readonly [string, string])[] = [
  ['https://api.test/orders', 'https://api.test/orders'],
  ['HTTPS://API.Test/orders', 'https://api.test/orders'],
  ['https://api.test:443/orders', 'https://api.test/orders'],
  ['https://api.test:/orders', 'https://api.test/orders'],
  ['http://api.test:80/orders', 'http://api.test/orders'],
  ['http://api.test:443/orders', 'http://api.test:443/orders'],
  ['https://api.test:8443/orders', 'https://api.test:8443/orders'],
  ['https://api.test.:8443/orders', 'https://api.test:8443/orders'],
  ['https://api.test', 'https://api.test/'],
  ['https://api.test?x=1', 'https://api.test/'],
  ['https://api.test#f', 'https://api.test/'],
  ['https://api.test/%7euser/%41%2d%2E', 'https://api.test/~user/A-.'],
  ['https://api.test/a%2fb%c3%a9', 'https://api.test/a%2Fb%C3%A9'],
  ['https://api.test/a?x={"a"|b}/../\\', 'https://api.test/a'],
  ['https://api.test/a#f?g', 'https://api.test/a'],
  ['https://api.test/a?', 'https://api.test/a'],
  ['https://api.test/a/', 'https://api.test/a/'],
  ['https://api.test/Orders;v=1/...', 'https://api.test/Orders;v=1/...'],
  ['https://[::1]:8443/a', 'https://[::1]:8443/a'],
  ['https://[2001:DB8::1]/a', 'https://[2001:db8::1]/a'],
]
for (const [text, uri] of same) {
  test(`DP-7: htu ${text} is ${uri}`, () => assert.equal(normalizeHtu(text), uri))
}

const refused: readonly string[] = [
  '',
  '/orders',
  '//api.test/orders',
  'api.test/orders',
  'https:/api.test/orders',
  'https:api.test',
  'https://',
  'https:///orders',
  'https://:443/orders',
  'ftp://api.test/orders',
  'httpss://api.test/orders',
  'urn:x',
  'https://user@api.test/orders',
  'https://user:443@api.test/orders',
  'https://api.test:443:443/orders',
  'https://api.test:x/orders',
  'https://api test/orders',
  'https://api.test\\orders',
  'https://api.test/a\\b',
  'https://api.test/a b',
  'https://api.test/a\n',
  'https://api.test/a\u0000',
  'https://api.test/a?x y',
  'https://api.test/a?\u0007',
  ' https://api.test/a',
  'https://api.test/é',
  'https://аpi.test/a',
  'https://api.test/%',
  'https://api.test/%4',
  'https://api.test/%zz',
  'https://api.test/a/../b',
  'https://api.test/..',
  'https://api.test/./a',
  'https://api.test/.',
  'https://api.test/%2e%2E/a',
  'https://api.test/%2e',
  'https://api%2etest/a',
  'https://[::1/a',
  'https://0x7f.1/a',
]
for (const text of refused) {
  test(`DP-7: htu ${JSON.stringify(text)} is no URI of a request`, () => assert.equal(normalizeHtu(text), undefined))
}

test('DP-7: the public URI of any request is the normal form of itself, and of its other spellings', () => {
  const character = fc.oneof(
    fc.constantFrom(..."abzAZ09-._~!$&'()*+,=:@/"),
    fc.constantFrom('%c3%A9', '%2F', '%3a', '%20', '%25'),
  )
  const path = fc.array(character, { maxLength: 20 }).map((parts) => `/${parts.join('')}`)
  const authority = fc.constantFrom('h.test', 'H.Test:8080', 'h.test:443', '[::1]:80', '127.0.0.1')
  let canonical = 0
  fc.assert(
    fc.property(path, authority, fc.boolean(), (text, host, secure) => {
      // Only what the gateway takes has a public URI.
      const target = parseTarget('GET', text, 0)
      if (!target.ok) return
      canonical++
      const uri = publicUri(undefined, { secure, authority: host }, target.value.path)
      assert.equal(normalizeHtu(uri), uri)
      const origin = `${secure ? 'https' : 'http'}://${host}`
      assert.equal(normalizeHtu(`${origin}${text}?q=1#f`), uri)
      if (text.includes('%')) return
      const escaped = text.replace(/[a-z0-9]/gi, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
      assert.equal(normalizeHtu(`${origin}${escaped}`), uri)
    }),
    { numRuns: 2000 },
  )
  assert.ok(canonical > 200, String(canonical))
})

test('DP-7: an htu costs no more than its length, whatever it is made of', () => {
  for (const unit of ['/', '%', '%4', '%41', 'a', '.', '/.', ':', '@', '[', '?', '#', ':1']) {
    for (const origin of ['https://', 'https://h/']) {
      assertInProportion(`${origin}${unit}`, 32_768, (octets) => {
        const uri = `${origin}${unit.repeat(octets / unit.length)}`
        return () => normalizeHtu(uri)
      })
    }
  }
})
