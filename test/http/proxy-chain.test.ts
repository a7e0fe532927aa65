import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ForwardedFields } from '../../src/http/head.ts'
import { readChain } from '../../src/http/proxy-chain.ts'
import { assertInProportion } from '../support/cost-ratio.ts'

// 10.0.0.1 is the proxy in front of us, 10.0.0.2 and 10.0.0.3 stand in front of it: all of 10.* is trusted.
const chainOf = (fields: Partial<ForwardedFields>) =>
  readChain(
    { for: '', proto: '', host: '', forwarded: '', clientCert: [], forwardedClientCert: [], ...fields },
    '10.0.0.1',
    (address) => address.startsWith('10.'),
  )

test('FW-2: the client is the first from the right that is no trusted proxy, in either field', () => {
  for (const [list, client] of [
    ['', '10.0.0.1'],
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['2001:db8::9', '2001:db8::9'],
    ['[2001:db8::9]', '2001:db8::9'],
    ['[2001:db8::9]:4711', '2001:db8::9'],
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['198.51.100.1,203.0.113.9,10.0.0.3,10.0.0.2', '203.0.113.9'],
    // All of them are proxies: it is the one that asked first.
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    // Here the walk ends.
    ['unknown', '10.0.0.1'],
    ['203.0.113.9, unknown', '10.0.0.1'],
    ['203.0.113.9, _hidden, 10.0.0.2', '10.0.0.2'],
    ['203.0.113.9, , 10.0.0.2', '10.0.0.2'],
    ['203.0.113.9, evil, 10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ] as const) {
    assert.equal(chainOf({ for: list }).client, client, list)
    if (list === '' || list.includes(', ,')) continue
    const nodes = list.split(',').map((entry) => entry.trim().replace(/^2001:.*$/, '[$&]'))
    const forwarded = nodes.map((node) => `for="${node}"`).join(', ')
    assert.equal(chainOf({ forwarded }).client, client, forwarded)
    assert.equal(chainOf({ for: list, forwarded }).client, client, forwarded)
  }
})

test('FW-7: where the two fields name two, the walk ends in front of them', () => {
  for (const [list, forwarded, client] of [
    // What a client says in the field that its proxy does not write frames nobody, and leads nowhere.
    ['203.0.113.9', 'for=192.0.2.1', '10.0.0.1'],
    ['192.0.2.1', 'for=203.0.113.9', '10.0.0.1'],
    ['203.0.113.9', 'for=10.0.0.2', '10.0.0.1'],
    ['203.0.113.9, 10.0.0.2', 'for=192.0.2.1, for=10.0.0.2', '10.0.0.2'],
    ['203.0.113.9', 'for=unknown', '10.0.0.1'],
    ['unknown', 'for=203.0.113.9', '10.0.0.1'],
    // The same, in another spelling.
    ['2001:DB8::9', 'for="[2001:db8::9]:1"', '2001:db8::9'],
    // What only one of them tells stands: a hop in front wrote only that.
    ['203.0.113.9, 10.0.0.2', 'for=10.0.0.2', '203.0.113.9'],
    ['10.0.0.2', 'for=203.0.113.9, for=10.0.0.2', '203.0.113.9'],
    ['203.0.113.9', 'proto=https', '203.0.113.9'],
    // A field that breaks the grammar says nothing.
    ['203.0.113.9', 'for=192.0.2.1;', '203.0.113.9'],
    ['', 'for=192.0.2.1;', '10.0.0.1'],
  ] as const) {
    assert.equal(chainOf({ for: list, forwarded }).client, client, `${list} | ${forwarded}`)
  }
})

/** What each writes towards its upstream when 203.0.113.9 asks it for https://shop.test/. */
test('FW-2, FW-6: host and scheme are those that the last trusted hop saw, as the common proxies tell them', () => {
  const seen = { client: '203.0.113.9', host: 'shop.test', secure: true }
  const nowhere = { ...seen, host: undefined }
  for (const [who, fields, expected] of [
    ['nginx sets, and appends the addresses', { for: '203.0.113.9', proto: 'https', host: 'shop.test' }, seen],
    ['… to what the client made up', { for: '192.0.2.1, 203.0.113.9', proto: 'https', host: 'shop.test' }, seen],
    ['Envoy, Caddy', { for: '203.0.113.9', proto: 'https', host: 'shop.test' }, seen],
    ['AWS ALB appends the addresses and sets the scheme', { for: '192.0.2.1, 203.0.113.9', proto: 'https' }, nowhere],
    ['Azure Application Gateway tells the port', { for: '203.0.113.9:4711', proto: 'https' }, nowhere],
    ['Traefik', { for: '203.0.113.9', proto: 'https', host: 'shop.test' }, seen],
    ['HAProxy', { forwarded: 'proto=https;host="shop.test";for=203.0.113.9' }, seen],
    ['AWS API Gateway', { forwarded: 'by=3.1.2.3;for=203.0.113.9;host=shop.test;proto=https' }, seen],
    [
      'Apache appends the hosts, here to what the client made up: not known whose they are',
      { for: '203.0.113.9', host: 'evil.test, shop.test', proto: 'https' },
      nowhere,
    ],
    [
      '… and the client made up an address, too',
      { for: '192.0.2.1, 203.0.113.9', host: 'evil.test, shop.test', proto: 'https' },
      seen,
    ],
    [
      'an edge with TLS, and a hop without that appends everything',
      { for: '203.0.113.9, 10.0.0.2', proto: 'https,http', host: 'shop.test,inner.test' },
      seen,
    ],
    [
      '… and the client made up one of each',
      { for: '192.0.2.1, 203.0.113.9, 10.0.0.2', proto: 'http,https,http', host: 'evil.test,shop.test,inner.test' },
      seen,
    ],
    [
      'an edge with TLS, and a hop without, with `Forwarded`',
      {
        forwarded:
          'for=192.0.2.1;host=evil.test;proto=http, for=203.0.113.9;host=shop.test;proto=https, for=10.0.0.2;host=i.test;proto=http',
      },
      seen,
    ],
    [
      'an edge without TLS, and a hop with',
      { forwarded: 'for=192.0.2.1;proto=https, for=203.0.113.9;proto=http, for=10.0.0.2;proto=https' },
      { ...nowhere, secure: false },
    ],
    [
      'a client that stands among the proxies',
      { forwarded: 'for=10.0.0.3;host=shop.test;proto=https, for=10.0.0.2;host=inner.test;proto=http' },
      { ...seen, client: '10.0.0.3' },
    ],
    [
      'the hop that hides its client',
      { forwarded: 'for=_x;host=shop.test;proto=https, for=10.0.0.2;host=inner.test;proto=http' },
      { ...seen, client: '10.0.0.2' },
    ],
  ] as const) {
    const { client, host, secure } = chainOf(fields)
    assert.deepEqual({ client, host, secure }, expected, who)
  }
})

test('FW-7: fields that disagree about the host or the scheme are not believed about it', () => {
  const one = 'for=203.0.113.9'
  for (const [fields, host, secure] of [
    [{ host: 'a.test', forwarded: `${one};host=b.test` }, undefined, false],
    [{ host: 'a.test', forwarded: `${one};host=A.TEST` }, 'A.TEST', false],
    [{ host: 'a.test:1', forwarded: `${one};host="a.test:2"` }, undefined, false],
    [{ host: 'a.test', forwarded: `${one};host="a b"` }, undefined, false],
    [{ host: 'a b', forwarded: one }, undefined, false],
    [{ forwarded: `${one};host="a.test;x"` }, undefined, false],
    [{ proto: 'https', forwarded: `${one};proto=http` }, undefined, false],
    [{ proto: 'http', forwarded: `${one};proto=https` }, undefined, false],
    [{ proto: 'https', forwarded: `${one};proto=https` }, undefined, true],
    // Nobody tells which of them is whose.
    [{ proto: 'https, http', host: 'a.test, b.test' }, undefined, false],
    [{ proto: 'https, https', host: 'a.test, a.test' }, 'a.test', true],
    [{ for: '203.0.113.9, 10.0.0.3, 10.0.0.2', proto: 'https, http', host: 'a.test, b.test' }, undefined, false],
    [{ for: '203.0.113.9', proto: 'http, https', host: 'a.test, b.test' }, undefined, false],
    [{ for: '192.0.2.1, x, 203.0.113.9', proto: 'http, http, https', host: 'a.test, b.test, c.test' }, 'c.test', true],
    [{ proto: 'https,' }, undefined, false],
    // The hop that saw the client says nothing; one behind it speaks for itself alone.
    [{ forwarded: `${one}, for=10.0.0.2;host=b.test;proto=https` }, undefined, false],
  ] as const) {
    const chain = chainOf(fields)
    assert.equal(chain.host, host, JSON.stringify(fields))
    assert.equal(chain.secure, secure, JSON.stringify(fields))
  }
})

test('FW-3, FW-4: what goes on is what is well-formed from the right; `Forwarded` goes on whole or not at all', () => {
  for (const [list, rest] of [
    ['', ''],
    ['192.0.2.1,  203.0.113.9:80', '192.0.2.1,  203.0.113.9:80'],
    ['evil, 203.0.113.9', '203.0.113.9'],
    [',203.0.113.9', '203.0.113.9'],
    ['192.0.2.1, <script>, 203.0.113.9, 10.0.0.2', '203.0.113.9, 10.0.0.2'],
    ['192.0.2.1, ', ''],
    ['192.0.2.1, unknown', ''],
  ] as const) {
    assert.equal(chainOf({ for: list }).forwardedFor, rest, list)
  }
  for (const forwarded of ['for=192.0.2.1 , for="_x"', 'for=1;by=2'])
    assert.equal(chainOf({ forwarded }).forwarded, forwarded)
  for (const forwarded of ['for=192.0.2.1;', 'for=a,,for=192.0.2.1']) assert.equal(chainOf({ forwarded }).forwarded, '')
})

test('a chain costs no more than its length, and no more than 100 of it count', () => {
  const list = (hops: number): string => '10.,'.repeat(hops)
  const chain = (hops: number): string => Array.from({ length: hops }, () => '10.0.0.2').join(',')
  const hostile: readonly ((hops: number) => Parameters<typeof chainOf>[0])[] = [
    (hops) => ({ for: list(hops) }),
    (hops) => ({ for: chain(hops) }),
    (hops) => ({ forwarded: 'for=10.0.0.2,'.repeat(hops) }),
    (hops) => ({ host: list(hops), proto: list(hops) }),
  ]
  for (const make of hostile) {
    assertInProportion(JSON.stringify(make(2)), 8192, (hops) => {
      const fields = make(hops)
      return () => chainOf(fields)
    })
  }
  const long = chain(5000)
  assert.equal(chainOf({ for: long }).forwardedFor.split(',').length, 100)
  assert.equal(chainOf({ for: `203.0.113.9,${long}` }).client, '10.0.0.2')
})
