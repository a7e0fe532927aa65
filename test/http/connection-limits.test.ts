import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { clientOf } from '../../src/http/connection-limits.ts'
import { type Conversation, conversationOn, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { issue } from '../support/tls.ts'
import { converseOverTls } from '../support/tls-client.ts'
import { type ListenerSettings, startListener } from './listener-stage.ts'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Whether the connection is one on which requests are answered; false: it ended without a word. */
const served = async (client: Conversation): Promise<boolean> => {
  const before = client.text().length
  if (!client.closed()) client.say(get)
  await eventually('an answer or the end', () => client.text().length > before || client.closed())
  return client.text().length > before
}

/** A connection from that address of this machine. */
const from = async (t: TestContext, port: number, localAddress: string, host = '127.0.0.1'): Promise<Conversation> => {
  const socket = connect({ port, host, localAddress, noDelay: true })
  const client = conversationOn(t, socket)
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return client
}

test('2.6 row 4: one connection more than `connections` ends at once, and those that are open never notice', async (t) => {
  const stage = await startListener(t, { limits: { connections: 3 } })
  const clients = [await converse(t, stage.port), await converse(t, stage.port), await converse(t, stage.port)]
  for (const client of clients) assert.ok(await served(client))
  for (let more = 0; more < 5; more++) assert.ok(!(await served(await converse(t, stage.port))))
  assert.deepEqual(stage.dropped, Array(5).fill('connections'))
  for (const client of clients) assert.ok(await served(client))
  clients[0]?.socket.destroy()
  await eventually('there is room again', async () => served(await converse(t, stage.port)))
  assert.deepEqual(stage.refusals, [])
})

const perClient = (settings: ListenerSettings = {}): ListenerSettings => ({
  ...settings,
  limits: { connectionsPerClient: 2 },
})

test('one client has no more than `connections_per_client`, and takes nothing from another', async (t) => {
  const stage = await startListener(t, perClient())
  const own = [await from(t, stage.port, '127.0.0.2'), await from(t, stage.port, '127.0.0.2')]
  for (const client of own) assert.ok(await served(client))
  assert.ok(!(await served(await from(t, stage.port, '127.0.0.2'))))
  assert.deepEqual(stage.dropped, ['connections_per_client'])
  assert.ok(await served(await from(t, stage.port, '127.0.0.3')))
  for (const client of own) assert.ok(await served(client))
  for (const client of own) client.socket.destroy()
  for (let room = 0; room < 2; room++) {
    await eventually('there is room again', async () => served(await from(t, stage.port, '127.0.0.2')))
  }
  assert.ok(!(await served(await from(t, stage.port, '127.0.0.2'))))
})

test('a trusted proxy has as many connections as it wants, up to those of all', async (t) => {
  const stage = await startListener(t, {
    trustedProxies: ['127.0.0.2/32'],
    limits: { connectionsPerClient: 1, connections: 4 },
  })
  for (let count = 0; count < 4; count++) assert.ok(await served(await from(t, stage.port, '127.0.0.2')))
  assert.ok(!(await served(await from(t, stage.port, '127.0.0.2'))))
  assert.deepEqual(stage.dropped, ['connections'])
})

test('behind a mapped address is the IPv4 address, trusted or limited as such', async (t) => {
  const stage = await startListener(t, { ...perClient({ trustedProxies: ['127.0.0.3'] }), host: '::' })
  for (const [address, most] of [
    ['127.0.0.2', 2],
    ['127.0.0.3', 5],
    ['127.0.0.4', 2],
  ] as const) {
    let let_in = 0
    for (let count = 0; count < 5; count++) if (await served(await from(t, stage.port, address))) let_in++
    assert.equal(let_in, most, address)
  }
})

test('over TLS one too many is closed before the handshake, and a handshake counts', async (t) => {
  const ca = issue('ca', { ca: true })
  const own = issue('gateway', { by: ca })
  const files = { certificate: '', key: '', clientCa: undefined }
  const tls = { certificate: own.cert, key: own.key, clientCertificates: 'ignore', clientCa: undefined, files } as const
  for (const limits of [{ connections: 2 }, { connectionsPerClient: 2 }]) {
    const stage = await startListener(t, { tls, limits })
    const inside = await converseOverTls(t, stage.port, ca)
    assert.ok(await served(inside))
    const shaking = await converse(t, stage.port)
    const late = await converseOverTls(t, stage.port, ca)
    assert.ok(late.closed())
    assert.equal(late.socket.bytesRead, 0)
    await eventually('it was told', () => stage.dropped.length === 1)
    assert.ok(await served(inside))
    shaking.socket.destroy()
    await eventually('there is room again', async () => served(await converseOverTls(t, stage.port, ca)))
    assert.equal(await stage.listener.close(0).then(() => stage.refusals.length), 0)
  }
})

test('a client is an IPv4 address, or the first 64 bits of an IPv6 address', () => {
  for (const [address, client] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8::1:0:0:9', '2001:db8:0:0::/64'],
    ['2001:db8::2:0:0:0:9', '2001:db8:0:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ] as const) {
    assert.equal(clientOf(address), client, address)
  }
})

test('operations 4.5: who is a trusted proxy from now on is no client, and who is none any more is one', async (t) => {
  const stage = await startListener(t, { limits: { connectionsPerClient: 1 } })
  assert.ok(await served(await from(t, stage.port, '127.0.0.2')))
  assert.ok(!(await served(await from(t, stage.port, '127.0.0.2'))))
  stage.listener.setTrusted(['127.0.0.2'])
  assert.ok(await served(await from(t, stage.port, '127.0.0.2')))
  stage.listener.setTrusted([])
  assert.ok(!(await served(await from(t, stage.port, '127.0.0.2'))))
})
