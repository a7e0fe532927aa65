import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { thumbprintOf } from '../../src/http/client-certificate.ts'
import type { Head } from '../../src/http/head.ts'
import type { TlsOptions } from '../../src/http/options.ts'
import { createPeers, hopOf, isSecure, type Peer, publicAuthority } from '../../src/http/peer.ts'
import { issue } from '../support/tls.ts'
import { acceptedOverTls } from '../support/tls-client.ts'

/** Only what a peer is made of. */
const socketFrom = (remoteAddress: string | undefined): Socket => ({ remoteAddress }) as Socket

const headWith = (forwarded: Partial<Head['forwarded']>, via = ''): Head => ({
  host: 'gw.test',
  authorization: [],
  proofs: [],
  nominated: undefined,
  hasBody: false,
  contentLength: undefined,
  via,
  requestId: undefined,
  upgrade: '',
  traceparent: [],
  tracestate: '',
  earlyData: false,
  maxForwards: undefined,
  forwarded: { for: '', proto: '', host: '', forwarded: '', clientCert: [], forwardedClientCert: [], ...forwarded },
})

const listen = (trustedProxies: readonly string[] = [], tls?: TlsOptions) => ({ trustedProxies, tls })

const tls: TlsOptions = {
  certificate: '',
  key: '',
  clientCertificates: 'request',
  clientCa: undefined,
  files: { certificate: '', key: '', clientCa: undefined },
}

const trusting = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']
const peerFrom = (address: string, trusted: readonly string[] = trusting): Peer =>
  createPeers(listen(trusted)).of(socketFrom(address))

test('FW-2: trust goes by the address of the peer, mapped IPv4 addresses included, and by nothing without a list', () => {
  for (const [address, trusted] of [
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['2001:db8::1', true],
    ['2001:db9::1', false],
    ['127.0.0.1', false],
    ['', false],
  ] as const) {
    assert.equal(peerFrom(address).trusted, trusted, address)
    assert.equal(peerFrom(address, []).trusted, false)
  }
  assert.equal(peerFrom('::ffff:10.1.2.3').address, '10.1.2.3')
})

test('a connection is looked at once', () => {
  const peers = createPeers(listen(trusting))
  const socket = socketFrom('10.0.0.1')
  assert.equal(peers.of(socket), peers.of(socket))
  assert.equal(createPeers(listen()).of(socketFrom(undefined)).address, '')
})

test('FW-2: of a trusted proxy the client is the first from the right that is none; a stranger is its own client', () => {
  const peers = createPeers(listen(trusting))
  const client = (address: string, forwarded: Partial<Head['forwarded']>): string =>
    peers.clientAddress(peers.of(socketFrom(address)), headWith(forwarded))
  for (const [peer, chain, expected] of [
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1, 203.0.113.9, 10.0.0.2, 192.0.2.7', '203.0.113.9'],
    ['10.0.0.1', 'evil, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['10.0.0.1', '203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9'],
    ['2001:db8::7', '2001:db9::1, [2001:db8::2]:80', '2001:db9::1'],
    ['203.0.113.1', '198.51.100.1', '203.0.113.1'],
  ] as const) {
    assert.equal(client(peer, { for: chain }), expected, `${peer} ${chain}`)
  }
  assert.equal(client('10.0.0.1', { forwarded: 'for=203.0.113.9, for="10.0.0.2:80"' }), '203.0.113.9')
  assert.equal(client('203.0.113.1', { forwarded: 'for=198.51.100.1' }), '203.0.113.1')
})

test('each request of a connection is read anew', () => {
  const peers = createPeers(listen(trusting))
  const peer = peers.of(socketFrom('10.0.0.1'))
  const [one, other] = [
    headWith({ for: '203.0.113.1', host: 'a.test' }),
    headWith({ for: '203.0.113.2', proto: 'https' }),
  ]
  for (const [head, address, host, secure] of [
    [one, '203.0.113.1', 'a.test', false],
    [other, '203.0.113.2', 'gw.test', true],
    [one, '203.0.113.1', 'a.test', false],
  ] as const) {
    assert.equal(peers.clientAddress(peer, head), address)
    assert.equal(publicAuthority(peer, head, 'gw.test'), host)
    assert.equal(isSecure(peer, head), secure)
  }
})

test('FW-6: the public authority is what a trusted proxy says in either field, and a stranger’s word never counts', () => {
  for (const [forwarded, expected] of [
    [{}, 'gw.test'],
    [{ host: 'shop.test:8443' }, 'shop.test:8443'],
    [{ forwarded: 'for=203.0.113.9;host="shop.test:8443"' }, 'shop.test:8443'],
    [{ host: 'shop.test', forwarded: 'for=203.0.113.9;host=evil.test' }, 'gw.test'],
    [{ for: '192.0.2.1, 203.0.113.9', host: 'evil.test, shop.test' }, 'shop.test'],
    [{ for: '203.0.113.9', host: 'evil.test, shop.test' }, 'gw.test'],
    [{ host: 'a b' }, 'gw.test'],
  ] as const) {
    assert.equal(publicAuthority(peerFrom('10.0.0.1'), headWith(forwarded), 'gw.test'), expected)
    assert.equal(publicAuthority(peerFrom('203.0.113.1'), headWith(forwarded), 'gw.test'), 'gw.test')
  }
})

test('FW-7, BR-23: it came over TLS when a trusted peer says so and nothing disagrees', () => {
  const secure = (forwarded: Partial<Head['forwarded']>, address = '10.0.0.1'): boolean =>
    isSecure(peerFrom(address), headWith(forwarded))
  for (const [forwarded, expected] of [
    [{}, false],
    [{ proto: 'https' }, true],
    [{ proto: 'HTTPS , https' }, true],
    [{ proto: 'https, http' }, false],
    [{ proto: 'https,' }, false],
    [{ proto: 'wss' }, false],
    [{ forwarded: 'for=1.2.3.4;proto=https' }, true],
    [{ forwarded: 'for=1.2.3.4;PROTO="https"' }, true],
    [{ forwarded: 'proto=https, proto=http' }, false],
    [{ forwarded: 'for="x;proto=https"' }, false],
    [{ forwarded: 'proto=https; broken' }, false],
    [{ proto: 'https', forwarded: 'proto=http' }, false],
    [{ proto: 'http', forwarded: 'proto=https' }, false],
    [{ proto: 'https', forwarded: 'for=1.2.3.4' }, true],
  ] as const) {
    assert.equal(secure(forwarded), expected, JSON.stringify(forwarded))
    assert.equal(secure(forwarded, '203.0.113.1'), false)
  }
  const overTls = createPeers(listen()).of({ remoteAddress: '203.0.113.1', encrypted: true } as unknown as Socket)
  assert.ok(isSecure(overTls, headWith({ proto: 'http' })))
})

test('MT-4, MT-5: a stranger’s certificate is the one of its connection, a trusted proxy’s the one that it tells of', async (t) => {
  const [alice, proxy] = [issue('alice'), issue('proxy')]
  const told = { clientCert: [`:${alice.der.toString('base64')}:`] }
  const socket = await acceptedOverTls(t, proxy)
  const over = (trusted: readonly string[], forwarded: Partial<Head['forwarded']>): string | undefined => {
    const peers = createPeers(listen(trusted, tls))
    return peers.certificateOf(peers.of(socket), headWith(forwarded))
  }
  assert.equal(over([], {}), thumbprintOf(proxy.der))
  assert.equal(over([], told), thumbprintOf(proxy.der))
  assert.equal(over(['127.0.0.1'], told), thumbprintOf(alice.der))
  assert.equal(over(['127.0.0.1'], {}), undefined)
  assert.equal(over(['127.0.0.1'], { clientCert: ['::'] }), undefined)
  const peers = createPeers(listen(trusting))
  const without = (address: string) => peers.certificateOf(peers.of(socketFrom(address)), headWith(told))
  assert.equal(without('203.0.113.1'), undefined)
  assert.equal(without('10.0.0.1'), thumbprintOf(alice.der))
})

test('with CAs of clients, a certificate that they did not sign counts as none', async (t) => {
  const ca = issue('ca', { ca: true })
  const ours = issue('ours', { by: ca })
  for (const [own, clientCa, believed] of [
    [ours, ca, true],
    [issue('theirs'), ca, false],
    [issue('theirs'), undefined, true],
  ] as const) {
    const socket = await acceptedOverTls(t, own, clientCa)
    const peer = createPeers(listen([], { ...tls, clientCa: clientCa?.cert })).of(socket)
    assert.equal(peer.certificate, believed ? thumbprintOf(own.der) : undefined)
  }
})

test('the certificate of a connection is looked at when it is asked for, and once', async (t) => {
  const client = issue('client')
  const socket = await acceptedOverTls(t, client)
  const looked = t.mock.method(socket, 'getPeerX509Certificate')
  const peer = createPeers(listen([], tls)).of(socket)
  assert.equal(looked.mock.callCount(), 0)
  assert.equal(peer.certificate, thumbprintOf(client.der))
  socket.destroy()
  assert.equal(peer.certificate, thumbprintOf(client.der))
  assert.equal(looked.mock.callCount(), 1)
})

test('FW-1, FW-3, FW-6: a stranger’s fields have no part in what is written', () => {
  const spoofed = headWith({ for: '1.1.1.1', proto: 'https', host: 'evil.test', forwarded: 'for=1.1.1.1' }, '1.0 fred')
  assert.deepEqual(hopOf(peerFrom('203.0.113.1'), spoofed, 'gw.test', '1.1 audgate', 'id'), {
    forwardedFor: '203.0.113.1',
    forwarded: 'for=203.0.113.1;host="gw.test";proto=http',
    proto: 'http',
    host: 'gw.test',
    via: '1.0 fred, 1.1 audgate',
    requestId: 'id',
  })
})

test('what is remembered of a connection is remembered for its authority', () => {
  const peer = peerFrom('203.0.113.1')
  const forwarded = (authority: string): string => hopOf(peer, headWith({}), authority, '1.1 a', 'id').forwarded
  assert.equal(forwarded('a.test'), 'for=203.0.113.1;host="a.test";proto=http')
  assert.equal(forwarded('b.test'), 'for=203.0.113.1;host="b.test";proto=http')
  assert.equal(forwarded(''), 'for=203.0.113.1;proto=http')
})

test('FW-3, FW-4: a trusted peer’s chains go on before our own element; what breaks the grammar is discarded whole', () => {
  const hop = (forwarded: Partial<Head['forwarded']>, address = '10.0.0.1') =>
    hopOf(peerFrom(address), headWith(forwarded), 'gw.test', '1.1 audgate', 'id')
  const own = 'for=10.0.0.1;host="gw.test";proto=http'
  for (const [forwarded, expected] of [
    ['for=1.2.3.4', `for=1.2.3.4, ${own}`],
    ['for="[2001:db8::1]:4711";by=_x , for=unknown', `for="[2001:db8::1]:4711";by=_x , for=unknown, ${own}`],
    ['for="a\\"b"', `for="a\\"b", ${own}`],
    ['for=[2001:db8::1]', own],
    ['for="open', own],
    ['for=1.2.3.4;', own],
    ['for', own],
    ['for=1.2.3.4,,for=1.2.3.4', own],
  ] as const) {
    assert.equal(hop({ forwarded }).forwarded, expected, forwarded)
  }
  assert.equal(hop({ for: '1.2.3.4, ::1' }).forwardedFor, '1.2.3.4, ::1, 10.0.0.1')
  assert.equal(hop({ for: '1.2.3.4, x' }).forwardedFor, '10.0.0.1')
  assert.equal(hop({ for: 'x, 1.2.3.4:80' }).forwardedFor, '1.2.3.4:80, 10.0.0.1')
  assert.equal(hop({ host: 'shop.test:8443' }).host, 'shop.test:8443')
  assert.equal(hop({ host: 'shop.test, evil' }).host, 'gw.test')
  assert.equal(hop({}, '2001:db8::9').forwarded, 'for="[2001:db8::9]";host="gw.test";proto=http')
  assert.equal(hop({}, 'fe80::1%eth0').forwarded, 'for="[fe80::1]";host="gw.test";proto=http')
})
