import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TLSSocket, TlsOptions } from 'node:tls'
import type { UpstreamTls } from '../../src/upstream/options.ts'
import { type Identity, issue } from '../support/tls.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { get, poolOf, type Told, upstreamOf } from './pool-setup.ts'

const ca = issue('upstream ca', { ca: true })
const server = issue('upstream', { by: ca })
const gateway = issue('gateway', { by: ca })

/** An upstream over TLS that says who it was asked for, and who asked. It has a name, `localhost`, and 127.0.0.1. */
const startTls = async (t: TestContext, identity: Identity, options: TlsOptions = {}) => {
  const made = createServer({ cert: identity.cert, key: identity.key, ...options }, (request, response) => {
    const socket = request.socket as TLSSocket & { servername?: string | false }
    response.end(
      `${socket.servername || '-'} ${socket.getPeerCertificate().subject?.CN ?? '-'} ${socket.getProtocol()}`,
    )
  })
  await new Promise<void>((resolve) => made.listen(0, '0.0.0.0', resolve))
  t.after(() => {
    made.closeAllConnections()
    made.close()
  })
  return (made.address() as AddressInfo).port
}

const tlsOf = (change: Partial<UpstreamTls>): UpstreamTls => ({
  ca: ca.cert,
  certificate: undefined,
  key: undefined,
  serverName: undefined,
  files: { ca: undefined, certificate: undefined, key: undefined },
  ...change,
})

const ask = (t: TestContext, url: string, tls?: UpstreamTls): Promise<Told> =>
  get(poolOf(t, upstreamOf([url], { tls }))).told

const unreachable = (fault: string) => ({ reason: 'upstream_unreachable', fault })

test('FW-11: the certificate is verified with the CAs that count, and against the host of the URI', async (t) => {
  const port = await startTls(t, server)
  const stranger = issue('another ca', { ca: true })
  for (const [host, tls, expected] of [
    ['127.0.0.1', tlsOf({}), '- - TLSv1.3'],
    ['localhost', tlsOf({}), 'localhost - TLSv1.3'],
    ['127.0.0.2', tlsOf({}), unreachable('ERR_TLS_CERT_ALTNAME_INVALID')],
    ['127.0.0.1', tlsOf({ ca: stranger.cert }), unreachable('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
    ['127.0.0.1', undefined, unreachable('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
    ['127.0.0.1', tlsOf({ ca: undefined }), unreachable('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
  ] as const) {
    const { refusal, body } = await ask(t, `https://${host}:${port}`, tls)
    assert.deepEqual(refusal ?? body, expected, `${host} ${tls?.ca?.length}`)
  }
})

test('FW-11: an expired certificate is refused', async (t) => {
  const port = await startTls(t, issue('old', { by: ca, notAfter: new Date(Date.now() - 1000) }))
  const { refusal } = await ask(t, `https://127.0.0.1:${port}`, tlsOf({}))
  assert.deepEqual(refusal, unreachable('CERT_HAS_EXPIRED'))
})

test('FW-11: `server_name` is what is asked for, and the only name that counts', async (t) => {
  const port = await startTls(t, server)
  for (const [host, serverName, expected] of [
    ['127.0.0.2', 'localhost', 'localhost - TLSv1.3'],
    ['127.0.0.1', 'localhost', 'localhost - TLSv1.3'],
    ['127.0.0.1', 'api.internal', unreachable('ERR_TLS_CERT_ALTNAME_INVALID')],
    ['localhost', 'api.internal', unreachable('ERR_TLS_CERT_ALTNAME_INVALID')],
    // An address cannot be asked for (RFC 6066 section 3), but it is verified.
    ['127.0.0.2', '127.0.0.1', '- - TLSv1.3'],
    ['127.0.0.1', '127.0.0.2', unreachable('ERR_TLS_CERT_ALTNAME_INVALID')],
  ] as const) {
    const { refusal, body } = await ask(t, `https://${host}:${port}`, tlsOf({ serverName }))
    assert.deepEqual(refusal ?? body, expected, `${host} ${serverName}`)
  }
})

test('FW-11: one connection serves one request after the other, whatever name it was made for', async (t) => {
  const port = await startTls(t, server)
  for (const serverName of [undefined, 'localhost']) {
    const pool = poolOf(t, upstreamOf([`https://127.0.0.1:${port}`], { tls: tlsOf({ serverName }) }))
    const reused = []
    for (let i = 0; i < 3; i++) reused.push((await get(pool).told).reused)
    assert.deepEqual(reused, [false, true, true])
  }
})

test('our certificate is shown to the upstream that asks for one, and without it there is no connection', async (t) => {
  const port = await startTls(t, server, { ca: ca.cert, requestCert: true, rejectUnauthorized: true })
  const url = `https://127.0.0.1:${port}`
  const { body } = await ask(t, url, tlsOf({ certificate: gateway.cert, key: gateway.key }))
  assert.equal(body, '- gateway TLSv1.3')
  const { refusal } = await ask(t, url, tlsOf({}))
  assert.ok(refusal?.reason === 'upstream_unreachable' || refusal?.reason === 'upstream_invalid')
})

test('H1-20: HTTP/1.1 is spoken, also with who would rather speak another version', async (t) => {
  const port = await startTls(t, server, { ALPNProtocols: ['h2', 'http/1.1'] })
  assert.equal((await ask(t, `https://127.0.0.1:${port}`, tlsOf({}))).body, '- - TLSv1.3')
})

test('TLS is 1.2 or later', async (t) => {
  const legacy = { ciphers: 'DEFAULT@SECLEVEL=0' }
  const two = await startTls(t, server, { maxVersion: 'TLSv1.2' })
  assert.equal((await ask(t, `https://127.0.0.1:${two}`, tlsOf({}))).body, '- - TLSv1.2')
  const one = await startTls(t, server, { ...legacy, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
  const { refusal } = await ask(t, `https://127.0.0.1:${one}`, tlsOf({}))
  assert.equal(refusal?.reason, 'upstream_unreachable')
})

test('a Unix domain socket is an upstream like any other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-unix-'))
  const path = join(folder, 'api.sock')
  const made = createPlainServer((request, response) => response.end(`${request.headers.host} ${request.url}`))
  await new Promise<void>((resolve) => made.listen(path, resolve))
  t.after(() => {
    made.closeAllConnections()
    made.close()
    rmSync(folder, { recursive: true })
  })
  const pool = poolOf(t, upstreamOf([`unix:${path}`]))
  assert.equal((await get(pool, '/a?b').told).body, 'localhost /a?b')
  assert.equal((await get(pool).told).reused, true)
  const { refusal } = await ask(t, `unix:${folder}/nobody.sock`)
  assert.deepEqual(refusal, unreachable('ENOENT'))
})

test('ER-1: the time for a connection is kept, the TLS handshake included', async (t) => {
  // It accepts, and says nothing.
  const { port } = await startRawUpstream(t, () => undefined)
  const options = upstreamOf([`https://127.0.0.1:${port}`], {
    tls: tlsOf({}),
    timeouts: { connectMs: 50, responseMs: 5000, idleMs: 5000 },
  })
  const since = performance.now()
  const { refusal } = await get(poolOf(t, options)).told
  assert.deepEqual(refusal, { reason: 'upstream_timeout', phase: 'connect' })
  // undici counts in half seconds; its own time would be 10 s.
  assert.ok(performance.now() - since < 5000)
})
