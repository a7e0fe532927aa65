import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { hold, startReplicated } from '../support/replicas.ts'
import { startUpstream } from '../support/upstream.ts'

const lines = (path: string): Buffer => requestBytes([`GET ${path} HTTP/1.1`, 'Host: a'])

test('ER-1: beyond the connections they wait in order, beyond the queue it is 503, and the upstream sees none of it', async (t) => {
  const held = hold()
  const upstream = await startUpstream(t, held.listener)
  const stage = await startReplicated(t, [upstream.url], { pool: { connections: 2, queue: 3 } })
  const open = (count: number) => async () =>
    new RegExp(`^audgate_open_requests ${count}$`, 'm').test(await stage.metrics())
  const clients = []
  for (let i = 0; i < 5; i++) {
    const client = await converse(t, stage.port)
    client.say(lines(`/${i}`))
    clients.push(client)
    await eventually(`${i + 1} are open`, open(i + 1))
  }
  const { status, text } = await sendRaw(stage.port, lines('/refused'), { until: wholeAnswer })
  assert.equal(status, 503)
  assert.match(text, /"reason":"upstream_overloaded"/)
  await eventually('two have come', () => held.waiting.length === 2)
  assert.equal(upstream.connections(), 2)
  // One that waits leaves: the next one in the queue is not held up, and the place is free for another.
  clients[3]?.socket.destroy()
  await eventually('it is gone', open(4))
  const late = await converse(t, stage.port)
  late.say(lines('/late'))
  await eventually('another one waits', open(5))
  for (const left of [4, 3, 2, 1, 0]) {
    await eventually('somebody waits for an answer', () => held.waiting.length > 0)
    held.answer()
    await eventually('one is answered', open(left))
  }
  assert.deepEqual(
    upstream.seen.map(({ target }) => target),
    ['/0', '/1', '/2', '/4', '/late'],
  )
  assert.equal(upstream.connections(), 2)
})

test('ER-1: who waits longer than for an answer is refused with 503, and the upstream never sees it', async (t) => {
  const held = hold()
  const upstream = await startUpstream(t, held.listener)
  const stage = await startReplicated(t, [upstream.url], {
    pool: { connections: 1 },
    // Only the answer that has begun is waited for longer.
    timeouts: { response: '400ms' },
  })
  const client = await converse(t, stage.port)
  client.say(lines('/first'))
  await eventually('the first has come', () => held.waiting.length === 1)
  held.waiting[0]?.write('begun')
  const { status, text } = await sendRaw(stage.port, lines('/late'), { until: wholeAnswer, quietMs: 3000 })
  assert.equal(status, 503)
  assert.match(text, /"reason":"upstream_overloaded"/)
  held.answer()
  await client.hear('the end of the first', (all) => all.endsWith('0\r\n\r\n'))
  assert.deepEqual(
    upstream.seen.map(({ target }) => target),
    ['/first'],
  )
})
