import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { Handler } from '../../src/http/handle.ts'
import { pipelineDepth, waitingAtMost } from '../../src/http/pipeline.ts'
import { type Conversation, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { issue } from '../support/tls.ts'
import { converseOverTls } from '../support/tls-client.ts'
import { startListener } from './listener-stage.ts'

const get = (path: number | string): string => `GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** More than sockets hold. */
const size = 40_000_000

const answersIn = (text: string): number => text.match(/HTTP\/1\.1 200/g)?.length ?? 0

/** Requests that the test answers: what came, in order, and how many are under way. */
const keeping = () => {
  const came: string[] = []
  const kept: ServerResponse[] = []
  let most = 0
  const handle: Handler = (request, response) => {
    came.push(request.url ?? '')
    kept.push(response)
    most = Math.max(most, kept.length)
    return undefined
  }
  /** Answers each as it comes, a little later, until all have come. */
  const answer = (count: number): Promise<void> =>
    eventually(
      `${count} came`,
      () => {
        for (const response of kept.splice(0)) response.end(response.req.url)
        return came.length === count
      },
      30_000,
    )
  return { came, kept, handle, answer, most: () => most }
}

const start = async (t: TestContext, encrypted: boolean) => {
  const keep = keeping()
  const ca = issue('ca', { ca: true })
  const own = issue('gateway', { by: ca })
  const files = { certificate: '', key: '', clientCa: undefined }
  const tls = { certificate: own.cert, key: own.key, clientCertificates: 'ignore', clientCa: undefined, files } as const
  const stage = await startListener(t, { handle: keep.handle, tls: encrypted ? tls : undefined })
  const open = (): Promise<Conversation> => (encrypted ? converseOverTls(t, stage.port, ca) : converse(t, stage.port))
  return { ...keep, ...stage, open }
}

for (const encrypted of [false, true]) {
  test(`of what a client sends ahead sixteen are under way, and the rest waits for its turn${encrypted ? ', over TLS' : ''}`, async (t) => {
    const stage = await start(t, encrypted)
    const client = await stage.open()
    const count = pipelineDepth + waitingAtMost
    client.say(Array.from({ length: count }, (_, index) => get(index)).join(''))
    await eventually('the first are there', () => stage.came.length === pipelineDepth)
    const other = await stage.open()
    other.say(get('other'))
    await eventually('somebody else is served', () => stage.came.length === pipelineDepth + 1)
    stage.kept.pop()?.end('other')
    await other.hear('the answer', (text) => text.endsWith('other'))
    assert.equal(stage.kept.length, pipelineDepth)

    await stage.answer(count + 1)
    await client.hear('all answers', (text) => answersIn(text) === count)
    assert.ok(stage.most() <= pipelineDepth + 1)
    assert.deepEqual(
      [...client.text().matchAll(/\r\n\r\n(\/\d+)/g)].map(([, path]) => path),
      Array.from({ length: count }, (_, index) => `/${index}`),
    )
  })
}

test('2.6 row 6: one request more than may wait cuts the connection, and what waited takes no memory any more', async (t) => {
  const stage = await start(t, false)
  const client = await stage.open()
  client.say(get('x').repeat(pipelineDepth + waitingAtMost))
  await eventually('the first are there', () => stage.came.length === pipelineDepth)
  assert.equal(client.closed(), false)
  client.say(get('x').repeat(2000))
  await eventually('it is cut', () => stage.kept.every(({ destroyed }) => destroyed))
  assert.equal(stage.came.length, pipelineDepth)
  const other = await stage.open()
  other.say(get('other'))
  await eventually('somebody else is served', () => stage.came.at(-1) === '/other')
})

for (const count of [pipelineDepth + 1, pipelineDepth + 100]) {
  test(`HS-27: that a client has left with ${count} requests ahead is noticed at once`, async (t) => {
    const stage = await start(t, false)
    for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
      stage.kept.length = 0
      const client = await stage.open()
      client.say(get('x').repeat(count))
      await eventually('the first are there', () => stage.kept.length === pipelineDepth)
      client.socket[leave]()
      await eventually(`${leave} is seen`, () => stage.kept.every(({ destroyed }) => destroyed))
    }
  })
}

test('what waited for a client that has left is never begun', async (t) => {
  const stage = await start(t, false)
  const client = await stage.open()
  client.say(get('x').repeat(200))
  await eventually('the first are there', () => stage.came.length === pipelineDepth)
  const [first] = stage.kept
  assert.ok(first)
  client.socket.destroy()
  await eventually('an answer cannot be written', () => {
    stage.kept.shift()?.end('x')
    return first.req.socket.destroyed
  })
  for (const response of stage.kept.splice(0)) response.end()
  assert.equal(await stage.listener.close(5000), 0)
  assert.ok(stage.came.length < 100, String(stage.came.length))
})

test('an answer that is broken off before its turn ends the connection at its turn, and nothing more is begun', async (t) => {
  const stage = await start(t, false)
  const client = await stage.open()
  client.say(Array.from({ length: pipelineDepth + 3 }, (_, index) => get(index)).join(''))
  await eventually('the first are there', () => stage.came.length === pipelineDepth)
  const [first, second, third] = stage.kept
  assert.ok(first && second && third)
  second.writeHead(200, { 'Content-Length': 10 })
  second.write('piece')
  second.destroy()
  await eventually('it is closed', () => second.closed)
  third.end('third')
  client.say(get('later'))
  const other = await stage.open()
  other.say(get('other'))
  await eventually('somebody else is served', () => stage.came.at(-1) === '/other')
  assert.equal(client.closed(), false)
  first.end(Buffer.alloc(1_000_000, 'x'))
  const text = await client.end()
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  assert.equal(text.match(/x+$/)?.[0].length, 1_000_000)
  assert.equal(client.reset(), false)
  assert.equal(answersIn(text), 1)
  assert.equal(stage.came.length, pipelineDepth + 1)
})

test('content of a request that waits is not lost', async (t) => {
  const bodies: string[] = []
  const kept: (() => void)[] = []
  const stage = await startListener(t, {
    handle: (request, response) => {
      let body = ''
      kept.push(() => {
        request.setEncoding('latin1').on('data', (chunk) => {
          body += chunk
        })
        request.once('end', () => {
          bodies.push(body)
          response.end('ok')
        })
      })
      return undefined
    },
  })
  const client = await converse(t, stage.port)
  const content = 'x'.repeat(300_000)
  client.say(`${get('x').repeat(20)}PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content}`)
  client.say(get('y').repeat(20))
  await eventually('all came', () => {
    for (const go of kept.splice(0)) go()
    return bodies.length === 41
  })
  assert.deepEqual(
    bodies.map(({ length }) => length).filter((length) => length > 0),
    [content.length],
  )
  await client.hear('all answers', (text) => answersIn(text) === 41)
})

test('H1-28: a CONNECT behind requests that wait is not obeyed, and ends the connection after their answers', async (t) => {
  const stage = await start(t, false)
  const client = await stage.open()
  client.say(`${get('x').repeat(30)}CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n${get('behind')}`)
  await stage.answer(30)
  for (const response of stage.kept.splice(0)) response.end()
  const text = await client.end()
  assert.equal(answersIn(text), 30)
  assert.ok(!stage.came.includes('/behind'))
})

test('H1-19: a fault behind requests that wait does not overtake their answers', async (t) => {
  const stage = await start(t, false)
  const client = await stage.open()
  client.say(`${get('x').repeat(30)}garbage\r\n\r\n${get('behind')}`)
  await stage.answer(30)
  for (const response of stage.kept.splice(0)) response.end()
  assert.equal(answersIn(await client.end()), 30)
  assert.ok(!stage.came.includes('/behind'))
})

test('2.6 row 3: a client that does not read what nobody else waits for loses its connection after the idle time', async (t) => {
  const stage = await startListener(t, {
    timeouts: { headerMs: 100, idleMs: 100 },
    handle: (_request, response) => {
      response.end(Buffer.alloc(1_000_000))
      return undefined
    },
  })
  const client = await converse(t, stage.port)
  client.socket.pause()
  client.say(get('x').repeat(100))
  const { socket } = client
  await eventually('it is cut', async () => {
    // Only a write tells, since nothing is read.
    if (!socket.destroyed) socket.write(get('x'))
    return client.closed()
  })
  assert.equal(await stage.listener.close(5000), 0)
})

test('2.6 row 3: whose answer is not at its end, or relayed with a patience of its own, is waited for by others than us', async (t) => {
  const keep = keeping()
  const stage = await startListener(t, { timeouts: { headerMs: 100, idleMs: 100 }, handle: keep.handle })
  const clients = await Promise.all(['silent', 'begun', 'watched'].map(() => converse(t, stage.port)))
  for (const [index, client] of clients.entries()) {
    client.socket.pause()
    client.say(get(index))
    await eventually('it is there', () => keep.kept.length === index + 1)
  }
  const [, begun, watched] = keep.kept
  const closed: string[] = []
  let timedOut = 0
  for (const { req } of keep.kept) {
    req.socket.once('close', () => closed.push(req.url ?? ''))
    req.socket.once('timeout', () => timedOut++)
  }
  begun?.writeHead(200, { 'Content-Length': size })
  begun?.write(Buffer.alloc(size))
  watched?.on('drain', () => undefined)
  watched?.end(Buffer.alloc(size))
  await eventually('nothing was read or written for as long as a connection has', () => timedOut === 3)
  assert.deepEqual(closed, [])
  // Nothing is left to be written: only the time says that this one is not read.
  begun?.end()
  await eventually('it is cut', () => closed.length > 0)
  assert.deepEqual(closed, ['/1'])
})
