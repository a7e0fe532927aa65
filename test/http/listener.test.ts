import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls, { type SecureVersion, TLSSocket } from 'node:tls'
import { thumbprintOf } from '../../src/http/client-certificate.ts'
import { graceMs } from '../../src/http/drain.ts'
import type { ListenOptions, TlsOptions } from '../../src/http/options.ts'
import { createPeers } from '../../src/http/peer.ts'
import { certificateNotAfter } from '../../src/http/tls.ts'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { type Identity, issue } from '../support/tls.ts'
import { converseOverTls, dripping, type TlsConversation } from '../support/tls-client.ts'
import { type ListenerStage, startListener } from './listener-stage.ts'

const day = 24 * 3600 * 1000
const ca = issue('test ca', { ca: true })
const server = issue('gateway', { by: ca })
const clientCa = issue('client ca', { ca: true })
const known = issue('known client', { by: clientCa })
const selfSigned = issue('self-signed client')
const expired = issue('late client', { by: clientCa, notAfter: new Date(Date.now() - day / 2) })
const impostor = issue('known client', { by: issue('client ca', { ca: true }) })

interface Stage extends ListenerStage {
  /** What the handler saw of each request: whether the session was resumed, and the thumbprint. */
  readonly seen: { readonly resumed: boolean; readonly certificate: string | undefined }[]
}

const start = async (
  t: TestContext,
  options: Partial<TlsOptions> = {},
  timeouts: Partial<ListenOptions['timeouts']> = {},
): Promise<Stage> => {
  const seen: Stage['seen'] = []
  const tlsOptions: TlsOptions = {
    ...identityOf(server),
    clientCertificates: 'ignore',
    clientCa: undefined,
    files: { certificate: '', key: '', clientCa: undefined },
    ...options,
  }
  const peers = createPeers({ trustedProxies: [], tls: tlsOptions })
  const stage = await startListener(t, {
    tls: tlsOptions,
    timeouts,
    handle: (request, response) => {
      const { socket } = request
      const resumed = socket instanceof TLSSocket && socket.isSessionReused()
      seen.push({ resumed, certificate: peers.of(socket).certificate })
      response.end('ok')
      return undefined
    },
  })
  return { ...stage, seen }
}

const identityOf = ({ cert, key }: Identity) => ({ certificate: cert, key })

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Whether a request is answered on the connection; false: it ended without a word of HTTP. */
const served = async (client: TlsConversation): Promise<boolean> => {
  if (!client.closed()) client.say(get)
  await eventually('an answer or the end', () => client.text().endsWith('ok') || client.closed())
  assert.ok(client.text() === '' || client.text().startsWith('HTTP/1.1 200 OK'))
  return client.text() !== ''
}

const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
const only = (version: SecureVersion) => ({ minVersion: version, maxVersion: version })

test('MT-1, MT-3: whatever certificate comes is proof of possession, whoever signed it, and none is none', async (t) => {
  const stage = await start(t, { clientCertificates: 'request' })
  for (const version of versions) {
    for (const own of [known, selfSigned, expired, undefined]) {
      const client = await converseOverTls(t, stage.port, ca, { ...only(version), ...(own && { own }) })
      assert.ok(await served(client))
      assert.equal(stage.seen.at(-1)?.certificate, own && thumbprintOf(own.der), `${version} ${own?.name}`)
    }
  }
})

test('with `client_ca` anybody may come in by `request`, but a certificate that the CA did not sign is none', async (t) => {
  const stage = await start(t, { clientCertificates: 'request', clientCa: clientCa.cert })
  for (const own of [known, selfSigned, expired, impostor, undefined]) {
    assert.ok(await served(await converseOverTls(t, stage.port, ca, own && { own })))
    assert.equal(stage.seen.at(-1)?.certificate, own === known ? thumbprintOf(known.der) : undefined)
  }
})

test('a certificate that nobody asked for is not sent', async (t) => {
  const stage = await start(t)
  assert.ok(await served(await converseOverTls(t, stage.port, ca, { own: known })))
  assert.deepEqual(stage.seen, [{ resumed: false, certificate: undefined }])
})

test('MT-1: `require` lets nobody ask without a certificate, nor with one that the CA did not sign', async (t) => {
  const without = { clientCertificates: 'require' } as const
  const withCa = { clientCertificates: 'require', clientCa: clientCa.cert } as const
  for (const [options, own, welcome] of [
    [without, undefined, false],
    [without, known, true],
    [without, selfSigned, true],
    [withCa, undefined, false],
    [withCa, known, true],
    [withCa, selfSigned, false],
    [withCa, expired, false],
    [withCa, impostor, false],
  ] as const satisfies readonly (readonly [Partial<TlsOptions>, Identity | undefined, boolean])[]) {
    for (const version of versions) {
      const stage = await start(t, options)
      const client = await converseOverTls(t, stage.port, ca, { ...only(version), ...(own && { own }) })
      assert.equal(await served(client), welcome, `${'clientCa' in options} ${own?.name} ${version}`)
      assert.equal(stage.seen.length, welcome ? 1 : 0)
      assert.deepEqual(stage.refusals, [])
    }
  }
})

test('MT-7: where certificates are asked for no session is resumed, so each connection shows its own', async (t) => {
  for (const clientCertificates of ['ignore', 'request', 'require'] as const) {
    for (const version of versions) {
      const stage = await start(t, { clientCertificates })
      const first = await converseOverTls(t, stage.port, ca, { ...only(version), own: known })
      assert.ok(await served(first))
      await eventually('a session', () => first.sessions.length > 0)
      for (const own of [selfSigned, known]) {
        const session = first.sessions.at(-1)
        const again = await converseOverTls(t, stage.port, ca, { ...only(version), own, ...(session && { session }) })
        assert.ok(await served(again))
        assert.deepEqual(
          stage.seen.at(-1),
          clientCertificates === 'ignore'
            ? { resumed: true, certificate: undefined }
            : { resumed: false, certificate: thumbprintOf(own.der) },
          `${clientCertificates} ${version}`,
        )
      }
      const session = first.sessions.at(-1)
      const bare = await converseOverTls(t, stage.port, ca, { ...only(version), ...(session && { session }) })
      assert.equal(await served(bare), clientCertificates !== 'require')
      if (clientCertificates !== 'require') assert.equal(stage.seen.at(-1)?.certificate, undefined)
    }
  }
})

test('TLS 1.1 is refused, also where Node was told to allow it', async (t) => {
  const { DEFAULT_MIN_VERSION: least, DEFAULT_CIPHERS: ciphers } = tls
  tls.DEFAULT_MIN_VERSION = 'TLSv1.1'
  tls.DEFAULT_CIPHERS = `${ciphers}:@SECLEVEL=0`
  t.after(() => {
    tls.DEFAULT_MIN_VERSION = least
    tls.DEFAULT_CIPHERS = ciphers
  })
  const stage = await start(t)
  for (const [version, welcome] of [
    ['TLSv1.1', false],
    ['TLSv1.2', true],
    ['TLSv1.3', true],
  ] as const) {
    const client = await converseOverTls(t, stage.port, ca, only(version))
    assert.equal(await served(client), welcome, version)
  }
  assert.equal(stage.seen.length, 2)
})

test('HTTP/1.1 is what is spoken: named by ALPN, and a client that wants another protocol is refused', async (t) => {
  const stage = await start(t)
  for (const [ALPNProtocols, chosen] of [
    [['h2', 'http/1.1'], 'http/1.1'],
    [undefined, false],
    [['h2'], undefined],
  ] as const) {
    const client = await converseOverTls(t, stage.port, ca, ALPNProtocols ? { ALPNProtocols: [...ALPNProtocols] } : {})
    assert.equal(await served(client), chosen !== undefined)
    if (chosen !== undefined) assert.equal(client.socket.alpnProtocol, chosen)
  }
})

test('nobody negotiates again', async (t) => {
  const stage = await start(t, { clientCertificates: 'request' })
  const client = await converseOverTls(t, stage.port, ca, only('TLSv1.2'))
  assert.ok(await served(client))
  let renegotiated = false
  client.socket.renegotiate({ rejectUnauthorized: true }, () => {
    renegotiated = true
  })
  await eventually('the refusal', () => renegotiated || client.closed())
  assert.ok(!renegotiated)
})

test('2.6 row 4: a handshake that does not end in time ends its connection: silent, in drops, or begun', async (t) => {
  const stage = await start(t, {}, { headerMs: 300 })
  const hello = await clientHello(t)
  const cases: readonly ((say: (bytes: Buffer) => void) => NodeJS.Timeout | undefined)[] = [
    () => undefined,
    (say) => {
      say(hello.subarray(0, hello.length - 1))
      return undefined
    },
    (say) => {
      let at = 0
      return setInterval(() => say(hello.subarray(at, ++at)), 20)
    },
    (say) => {
      say(hello)
      return undefined
    },
  ]
  await Promise.all(
    cases.flatMap((act) =>
      Array.from({ length: 25 }, async () => {
        const client = await converse(t, stage.port)
        const timer = act((bytes) => client.closed() || client.say(bytes))
        await client.end()
        clearInterval(timer)
      }),
    ),
  )
  assert.deepEqual(stage.refusals, [])
  assert.ok(await served(await converseOverTls(t, stage.port, ca)))
})

test('what is no TLS, or breaks it later, ends its own connection, is never answered, and hurts nobody else', async (t) => {
  const stage = await start(t)
  const bystander = await converseOverTls(t, stage.port, ca)
  const hello = await clientHello(t)
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    Buffer.from('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.alloc(4096, 0xff),
    Buffer.concat([hello, Buffer.from(get)]),
  ]) {
    const client = await converse(t, stage.port)
    client.say(bytes)
    assert.doesNotMatch(await client.end(), /HTTP/)
  }
  const through = connect({ port: stage.port, host: '127.0.0.1', noDelay: true })
  await once(through, 'connect')
  const broken = await converseOverTls(t, stage.port, ca, { socket: through })
  assert.ok(await served(broken))
  through.write(Buffer.alloc(64, 0x17))
  await eventually('the broken connection ends', broken.closed)
  assert.deepEqual(stage.refusals, [])
  assert.equal(stage.seen.length, 1)
  assert.ok(await served(bystander))
})

test('CVE-2026-32305: a ClientHello one octet a segment gets no other treatment', async (t) => {
  const stage = await start(t, { clientCertificates: 'require' })
  for (const own of [known, undefined]) {
    const client = await converseOverTls(t, stage.port, ca, {
      socket: await dripping(t, stage.port),
      servername: 'LocalHost',
      ...(own && { own }),
    })
    assert.equal(await served(client), own !== undefined)
  }
  assert.equal(stage.seen.length, 1)
})

test('what is no HTTP is answered inside TLS like outside', async (t) => {
  const stage = await start(t)
  const client = await converseOverTls(t, stage.port, ca)
  client.say('garbage\r\n\r\n')
  assert.match(await client.end(), /^HTTP\/1\.1 400 /)
  assert.deepEqual(
    stage.refusals.map(({ reason }) => reason),
    ['method_not_implemented'],
  )
})

test('OP-3: closing ends handshakes that are under way, and waits for none of them', async (t) => {
  const stage = await start(t, {}, { headerMs: 60_000 })
  const clients = [await converse(t, stage.port), await converse(t, stage.port), await converse(t, stage.port)]
  clients[1]?.say((await clientHello(t)).subarray(0, 20))
  clients[2]?.say(await clientHello(t))
  await eventually('the server said its part', () => clients[2]?.text() !== '')
  const idle = await converseOverTls(t, stage.port, ca)
  assert.ok(await served(idle))
  const begin = performance.now()
  assert.equal(await stage.listener.close(60_000), 0)
  assert.ok(performance.now() - begin < 2 * graceMs)
  for (const client of [...clients, idle]) await client.end()
})

test('OP-3: a handshake that is under way when it closes has its grace, and the request behind it is answered', async (t) => {
  const stage = await start(t)
  const through = [await dripping(t, stage.port), await dripping(t, stage.port)]
  // Let in after those, so that they are let in as well.
  assert.ok(await served(await converseOverTls(t, stage.port, ca)))
  const closed = stage.listener.close(60_000)
  for (const socket of through) assert.ok(await served(await converseOverTls(t, stage.port, ca, { socket })))
  assert.equal(await closed, 0)
})

test('OP-3: a handshake has no longer than everything else, and to end it cuts nothing', async (t) => {
  const stage = await start(t, {}, { headerMs: 60_000 })
  const client = await converse(t, stage.port)
  assert.ok(await served(await converseOverTls(t, stage.port, ca)))
  const begin = performance.now()
  assert.equal(await stage.listener.close(50), 0)
  assert.ok(performance.now() - begin < graceMs / 2)
  await client.end()
})

const issuerOf = (client: TlsConversation): string | undefined => client.socket.getPeerX509Certificate()?.subject

test('a new certificate is for new connections; those that are open, or shaking hands, go on', async (t) => {
  const stage = await start(t)
  const renewed = issue('renewed gateway', { by: ca })
  const before = await converseOverTls(t, stage.port, ca)
  const { socket, sessions } = before
  assert.ok(await served(before))
  await eventually('a session', () => sessions.length > 0)
  const half = await converse(t, stage.port)
  const hello = await clientHello(t)
  half.say(hello.subarray(0, 100))
  assert.equal(issuerOf(before), 'CN=gateway')

  stage.listener.setCertificate({ ...identityOf(renewed), clientCa: undefined })
  half.say(hello.subarray(100))
  await eventually('the server said its part', () => half.text() !== '')
  socket.write(get)
  await before.hear('the second answer', (text) => text.match(/HTTP\/1\.1 200/g)?.length === 2)
  const [session] = sessions
  for (const options of [{}, session ? { session } : {}, only('TLSv1.2')]) {
    const after = await converseOverTls(t, stage.port, ca, options)
    assert.ok(await served(after))
    assert.equal(issuerOf(after), 'CN=renewed gateway')
    // A session of the old certificate is not resumed: its keys are gone.
    assert.equal(stage.seen.at(-1)?.resumed, false)
  }
})

test('MT-3, MT-7: with a new client CA new connections believe it alone; everything else stays as it was', async (t) => {
  const otherCa = issue('other client ca', { ca: true })
  const other = issue('known to the other', { by: otherCa })
  const stage = await start(t, { clientCertificates: 'request', clientCa: clientCa.cert })
  const old = await converseOverTls(t, stage.port, ca, { own: known })
  assert.ok(await served(old))
  stage.listener.setCertificate({ ...identityOf(server), clientCa: otherCa.cert })
  old.say(get)
  await eventually('it is asked again', () => stage.seen.length === 2)
  assert.equal(stage.seen.at(-1)?.certificate, thumbprintOf(known.der))
  for (const [own, thumbprint] of [
    [known, undefined],
    [other, thumbprintOf(other.der)],
  ] as const) {
    for (const version of versions) {
      const client = await converseOverTls(t, stage.port, ca, { own, ...only(version) })
      assert.ok(await served(client))
      assert.equal(stage.seen.at(-1)?.certificate, thumbprint)
      const session = client.sessions.at(-1)
      const again = await converseOverTls(t, stage.port, ca, { own, ...only(version), ...(session && { session }) })
      assert.ok(await served(again))
      assert.deepEqual(stage.seen.at(-1), { resumed: false, certificate: thumbprint })
    }
  }
  assert.ok(!(await served(await converseOverTls(t, stage.port, ca, { ALPNProtocols: ['h2'] }))))
})

test('a certificate that is of no use is refused, and the old one goes on', async (t) => {
  const stage = await start(t)
  const other = issue('other', { by: ca })
  for (const useless of [
    { certificate: other.cert, key: server.key, clientCa: undefined },
    { certificate: 'no PEM', key: server.key, clientCa: undefined },
    { certificate: server.cert, key: 'no PEM', clientCa: undefined },
  ]) {
    assert.throws(() => stage.listener.setCertificate(useless))
    const client = await converseOverTls(t, stage.port, ca)
    assert.ok(await served(client))
    assert.equal(issuerOf(client), 'CN=gateway')
  }
})

test('when a certificate ends, in seconds; of a chain its first', () => {
  const notAfter = new Date('2031-05-06T07:08:09Z')
  const leaf = issue('leaf', { by: ca, notAfter })
  assert.equal(certificateNotAfter(leaf.cert), notAfter.getTime() / 1000)
  assert.equal(certificateNotAfter(leaf.cert + ca.cert), notAfter.getTime() / 1000)
})

/** The first bytes that a client says, taken from one. */
const clientHello = async (t: TestContext): Promise<Buffer> => {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.after(() => listener.close())
  const client = tls.connect({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  const [socket] = await once(listener, 'connection')
  const [hello] = await once(socket, 'data')
  client.destroy()
  return hello
}
