import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { UpstreamTls } from '../../src/upstream/options.ts'
import { eventually } from '../support/eventually.ts'
import { type Identity, issue } from '../support/tls.ts'
import { get, poolOf, upstreamOf } from './pool-setup.ts'

const ca = issue('upstream ca', { ca: true })

const tlsWith = (own: Identity, authority = ca): UpstreamTls => ({
  ca: authority.cert,
  certificate: own.cert,
  key: own.key,
  serverName: undefined,
  files: { ca: '/ca.pem', certificate: '/own.pem', key: '/own.key' },
})

test('renewed certificates: a stream on an old connection goes on, what waits is let go, new connections show the new one', async (t) => {
  const identity = issue('upstream', { by: ca })
  const streams: ServerResponse[] = []
  let connections = 0
  const server = createServer(
    { cert: identity.cert, key: identity.key, ca: ca.cert, requestCert: true },
    (request, response) => {
      const name = (request.socket as TLSSocket).getPeerCertificate().subject.CN
      response.write(name)
      if (request.url === '/stream') streams.push(response)
      else response.end()
    },
  )
  server.on('secureConnection', (socket) => {
    connections++
    socket.on('close', () => connections--)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const pool = poolOf(t, upstreamOf([`https://127.0.0.1:${port}`], { tls: tlsWith(issue('one', { by: ca })) }))

  const stream = get(pool, '/stream')
  await eventually('the stream has begun', () => streams.length === 1)
  assert.equal((await get(pool).told).body, 'one')
  assert.equal(connections, 2)

  pool.renewTls(tlsWith(issue('two', { by: ca })))
  await eventually('the one that waited is let go', () => connections === 1)
  assert.equal((await get(pool).told).body, 'two')
  streams[0]?.end(' goes on')
  assert.equal((await stream.told).body, 'one goes on')
  await eventually('the old one is let go too', () => connections === 1)
  const next = await get(pool).told
  assert.deepEqual([next.body, next.reused], ['two', true])

  // A CA that counts no more: nothing of what was made with it is left, not even a TLS session.
  pool.renewTls(tlsWith(issue('three', { by: ca }), issue('another ca', { ca: true })))
  assert.deepEqual((await get(pool).told).refusal, {
    reason: 'upstream_unreachable',
    fault: 'SELF_SIGNED_CERT_IN_CHAIN',
  })
})
