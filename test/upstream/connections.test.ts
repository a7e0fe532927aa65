import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Connection, type Connections, createConnections } from '../../src/upstream/connections.ts'
import { createConnector } from '../../src/upstream/connector.ts'
import type { Ending } from '../../src/upstream/pool.ts'
import { eventually } from '../support/eventually.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { getFrom, replicaAt, type Told, teller, upstreamOf } from './pool-setup.ts'

/** A replica whose answers the test gives, and at most `connections` connections to it. */
const start = async (t: TestContext, connections = 4, answer = ok) => {
  const sockets: Socket[] = []
  const heard: string[] = []
  const upstream = await startRawUpstream(t, (socket, index) => {
    sockets.push(socket)
    heard.push('')
    socket.on('data', (chunk) => {
      heard[index] += chunk.toString('latin1')
      socket.write(answer)
    })
  })
  const replica = replicaAt(upstream.url)
  const options = upstreamOf([upstream.url], { pool: { connections, queue: 0 } })
  const outcomes: Ending[] = []
  const connectorOf = () => createConnector(replica, 5000, undefined)
  const set = createConnections(replica, options, connectorOf(), (outcome) => outcomes.push(outcome))
  t.after(() => set.destroy())
  /** How many of the replica's ends are open. */
  const open = (): number => sockets.filter(({ destroyed }) => !destroyed).length
  return { set, sockets, heard, outcomes, open, connectorOf, made: upstream.connections }
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const taken = (set: Connections, anew = false): Connection => {
  const connection = set.take(anew)
  assert.ok(connection)
  return connection
}

const sendOn = (connection: Connection): Promise<Told> => {
  const { handler, told } = teller(connection)
  connection.dispatch(getFrom(connection.replica), handler)
  return told
}

const get = (set: Connections, anew = false): Promise<Told> => sendOn(taken(set, anew))

test('none is made before it is needed, and no more than there may be', async (t) => {
  const { set, made, heard } = await start(t, 2, '')
  assert.equal(made(), 0)
  void get(set)
  void get(set)
  assert.equal(set.busy(), 2)
  assert.equal(set.take(false), undefined)
  await eventually('both requests have come', () => heard.filter((text) => text !== '').length === 2)
  assert.equal(made(), 2)
})

test('H1-20: one request at a time on a connection, and the last one used is the next', async (t) => {
  const { set, sockets, heard } = await start(t, 3, '')
  const all = [get(set), get(set), get(set)]
  await eventually('all have come', () => heard.filter((text) => text.endsWith('\r\n\r\n')).length === 3)
  for (const index of [2, 0, 1]) {
    sockets[index]?.write(ok)
    await eventually('one is free', () => set.busy() < 3 - [2, 0, 1].indexOf(index))
  }
  await Promise.all(all)
  for (const index of [1, 1]) {
    const before = heard[index]?.length ?? 0
    const next = get(set)
    await eventually('it came on the last one', () => (heard[index]?.length ?? 0) > before)
    sockets[index]?.write(ok)
    await next
  }
})

test('HS-16: a connection is `reused` from its second request on, and is a new one when the other side closed it', async (t) => {
  const { set, sockets, made, open } = await start(t)
  assert.equal((await get(set)).reused, false)
  assert.equal((await get(set)).reused, true)
  assert.equal(made(), 1)
  sockets[0]?.end()
  await eventually('it is closed', () => open() === 0)
  const next = await get(set)
  assert.deepEqual([next.status, next.reused, made()], [200, false, 2])
  assert.equal((await get(set)).reused, true)
})

test('HS-16: what was found closed before it was sent is sent on another, and what was found reset was not sent', async (t) => {
  for (const [close, refusal, requests] of [
    ['end', undefined, 2],
    ['resetAndDestroy', { reason: 'upstream_unreachable', fault: 'ECONNABORTED' }, 1],
  ] as const) {
    const { set, sockets, heard } = await start(t)
    await get(set)
    // From a timer the loop looks at the sockets before it runs what undici waits with.
    const told = await new Promise<Told>((resolve) => {
      setTimeout(() => {
        sockets[0]?.[close]()
        void get(set).then(resolve)
      })
    })
    assert.deepEqual(told.refusal, refusal)
    assert.equal(told.reused, close === 'resetAndDestroy')
    assert.equal(heard.join('').match(/GET/g)?.length, requests)
  }
})

test('H1-20: a connection on which octets came unasked, or that ends with its answer, carries no further request', async (t) => {
  for (const [answer, later] of [
    [ok, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'],
    [ok, 'evil'],
    [`${ok}evil`, ''],
    ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok', ''],
  ] as const) {
    const { set, sockets, made, open } = await start(t, 4, answer)
    assert.equal((await get(set)).body, 'ok')
    sockets[0]?.write(later)
    await eventually('it is thrown away', () => open() === 0)
    const next = await get(set)
    assert.deepEqual([next.body, next.reused, made()], ['ok', false, 2])
  }
})

test('a server that says how long it keeps a connection is never met at its door: it is closed two seconds before', async (t) => {
  const { set, open } = await start(t, 4, ok.replace('Content', 'Keep-Alive: timeout=3\r\nContent'))
  await get(set)
  assert.equal(open(), 1)
  const since = performance.now()
  await eventually('it is closed', () => open() === 0)
  assert.ok(performance.now() - since < 2500)
})

test('who wants a new connection gets one, though others wait, and there are no more for that', async (t) => {
  const { set, made, open } = await start(t, 1)
  await get(set)
  assert.equal((await get(set, true)).reused, false)
  assert.equal(made(), 2)
  await eventually('the other is gone', () => open() === 1)
})

test('a request that failed or was given up takes its connection with it', async (t) => {
  for (const outcome of ['failed', 'abandoned'] as const) {
    const { set, made, outcomes, open } = await start(t)
    await get(set)
    taken(set).ended(outcome)
    assert.equal(set.busy(), 0)
    await eventually('it is closed', () => open() === 0)
    assert.equal((await get(set)).reused, false)
    assert.equal(made(), 2)
    assert.deepEqual(outcomes, ['answered', outcome, 'answered'])
  }
})

test('a second word on one request frees nothing of the next', async (t) => {
  const { set, outcomes } = await start(t, 1)
  const connection = taken(set)
  connection.ended('answered')
  connection.ended('failed')
  assert.equal(set.busy(), 0)
  assert.deepEqual(outcomes, ['answered'])
  assert.ok(set.take(false))
  assert.equal(set.take(false), undefined)
})

test('a tunnel is no connection any more: its place is free, and the next request has a new connection', async (t) => {
  const { set, sockets, made } = await start(
    t,
    1,
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  )
  const connection = taken(set)
  const tunnel = await new Promise<{ destroy(): unknown; destroyed: boolean }>((resolve, reject) => {
    connection.dispatch(
      { ...getFrom(connection.replica), upgrade: 'websocket' },
      {
        onRequestStart: () => undefined,
        onResponseError: (_, error) => reject(error),
        onRequestUpgrade: (_controller, _status, _headers, socket) => {
          connection.ended('answered')
          resolve(socket)
        },
      },
    )
  })
  assert.equal(set.busy(), 0)
  const next = taken(set)
  const told = sendOn(next)
  await eventually('it came on another', () => made() === 2)
  await eventually('it is refused', () => sockets.length === 2)
  assert.equal((await told).reused, false)
  assert.equal(tunnel.destroyed, false)
  tunnel.destroy()
})

test('renewed, what waits ends at once, what is busy ends with its request, and the next connection is a new one', async (t) => {
  const { set, sockets, heard, made, open, connectorOf } = await start(t, 4, '')
  const [first, second] = [get(set), get(set)]
  await eventually('both have come', () => heard.filter((text) => text.endsWith('\r\n\r\n')).length === 2)
  sockets[0]?.write(ok)
  await first
  let used = 0
  const renewed = connectorOf()
  set.renew((options, callback) => {
    used++
    return renewed(options, callback)
  })
  await eventually('the one that waits is closed', () => open() === 1)
  sockets[1]?.write(ok)
  assert.equal((await second).status, 200)
  await eventually('the busy one is closed', () => open() === 0)
  const third = get(set)
  await eventually('it has come', () => heard[2]?.endsWith('\r\n\r\n') === true)
  sockets[2]?.write(ok)
  assert.equal((await third).reused, false)
  assert.deepEqual([made(), used], [3, 1])
})

test('destroyed, all is cut: what waits and what is busy', async (t) => {
  const { set, sockets, heard, open } = await start(t, 4, '')
  const [first, second] = [get(set), get(set)]
  await eventually('both have come', () => heard.filter((text) => text !== '').length === 2)
  sockets[0]?.write(ok)
  await first
  await set.destroy()
  assert.deepEqual((await second).refusal, { reason: 'internal', fault: 'UND_ERR_DESTROYED' })
  await eventually('all are closed', () => open() === 0)
})
