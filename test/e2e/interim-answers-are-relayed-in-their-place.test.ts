import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Conversation, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { type SpiedOptions, type SpiedStage, startSpied } from '../support/spy.ts'

const hints =
  'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: <odd; "not a link\r\nX-Obs: \xe9\r\n' +
  'Connection: X-Hop\r\nX-Hop: evil\r\nKeep-Alive: evil\r\nSet-Cookie: evil=1\r\nContent-Length: 77\r\n\r\n'
const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const get = ({ authorization }: SpiedStage, path: string, version = '1.1', method = 'GET'): Buffer =>
  requestBytes([`${method} /orders/${path} HTTP/${version}`, 'Host: a', authorization])

/** Requests for `/held…` are answered by the test. */
const start = async (t: TestContext, options: SpiedOptions = {}) => {
  const held = new Map<string, Socket>()
  const stage = await startSpied(t, {
    answer: ({ line }, socket) => {
      const path = line.split(' ')[1] ?? ''
      if (!path.startsWith('/held')) return final
      held.set(path, socket)
      return undefined
    },
    ...options,
  })
  const behind = async (path: string): Promise<Socket> => {
    await eventually(`${path} is there`, () => held.has(path))
    return held.get(path) as Socket
  }
  return { stage, behind }
}

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

/** Its own answer shows that everything said before has come to the gateway. */
const settled = async (stage: SpiedStage, client: Conversation, text: string): Promise<void> => {
  await sendRaw(stage.port, get(stage, 'quick'), { until: wholeAnswer })
  assert.equal(client.text(), text)
}

test('HS-12: 103 and 102 go on when they come, before the answer, without what is for one hop, frames or sets', async (t) => {
  for (const method of ['GET', 'HEAD']) {
    const { stage, behind } = await start(t)
    const client = await converse(t, stage.port)
    client.say(get(stage, 'held', '1.1', method))
    const upstream = await behind('/held')
    upstream.write(`${hints}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 New\r\nA: 1\r\n\r\n`, 'latin1')
    const text = await client.hear('three of them', (all) => statuses(all).length === 3 && all.endsWith('\r\n\r\n'))
    assert.deepEqual(statuses(text), [103, 102, 199])
    assert.match(
      text,
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\nlink: <odd; "not a link\r\nX-Obs: \xe9\r\n/,
    )
    assert.doesNotMatch(text, /evil|content-length|keep-alive/i)
    upstream.write(method === 'HEAD' ? final.slice(0, -2) : final)
    await client.hear('the answer', (all) => statuses(all).length === 4 && all.includes('Content-Length: 2'))
    client.say(get(stage, 'next'))
    assert.deepEqual(
      statuses(await client.hear('the next answer', (all) => statuses(all).length === 5)).slice(3),
      [200, 200],
    )
  }
})

test('HS-12, H1-22: a client of HTTP/1.0 gets none of them', async (t) => {
  const { stage, behind } = await start(t)
  const client = await converse(t, stage.port)
  client.say(get(stage, 'held', '1.0'))
  const upstream = await behind('/held')
  upstream.write(hints, 'latin1')
  upstream.write(final)
  assert.deepEqual(statuses(await client.end()), [200])
})

test('HS-12, HS-10: behind 100, which the gateway says, and not before the decision', async (t) => {
  const { stage, behind } = await start(t)
  const ask = (authorization: string): Buffer =>
    requestBytes(['POST /orders/held HTTP/1.1', 'Host: a', authorization, 'Expect: 100-continue', 'Content-Length: 5'])
  const refused = await converse(t, stage.port)
  refused.say(ask('X-None: 1'))
  assert.deepEqual(statuses(await refused.end()), [401])
  const client = await converse(t, stage.port)
  client.say(ask(stage.authorization))
  await client.hear('100', (text) => text.includes('\r\n\r\n'))
  client.say('hello')
  const upstream = await behind('/held')
  upstream.write(hints, 'latin1')
  upstream.write(final)
  assert.deepEqual(statuses(await client.hear('the answer', (text) => text.endsWith('ok'))), [100, 103, 200])
})

test('HS-12: behind an answer that is still owed they wait, and come before their own one, never as its content', async (t) => {
  // Longer than what leaves in one write with its head.
  const long = `HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`
  for (const order of ['the answer comes first', 'the turn comes first']) {
    const { stage, behind } = await start(t)
    const client = await converse(t, stage.port)
    client.say(Buffer.concat([get(stage, 'held1'), get(stage, 'held2')]))
    const [first, second] = [await behind('/held1'), await behind('/held2')]
    for (let count = 0; count < 12; count++) second.write(hints, 'latin1')
    await settled(stage, client, '')
    if (order === 'the answer comes first') {
      second.write(long)
      await settled(stage, client, '')
      first.write(final)
    } else {
      first.write(final)
      await client.hear('the hints', (text) => statuses(text).length === 13)
      second.write(long)
    }
    const text = await client.hear('everything', (all) => all.endsWith('x'.repeat(20_000)))
    assert.deepEqual(statuses(text), [200, ...Array.from({ length: 12 }, () => 103), 200], order)
  }
})

test('attacks 2.5 row 5: a flood of them, by number or by size, is 502, and the next request works', async (t) => {
  for (const [name, flood] of [
    ['33 of them', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(33)],
    ['70 kB of them', `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(35_000)}\r\n\r\n`.repeat(2)],
  ] as const) {
    const { stage, behind } = await start(t)
    const client = await converse(t, stage.port)
    client.say(get(stage, 'held'))
    const upstream = await behind('/held')
    upstream.write(flood)
    const text = await client.hear('the refusal', (all) => /"reason":"upstream_invalid".*}/.test(all))
    assert.equal(statuses(text).at(-1), 502, name)
    assert.ok(statuses(text).length <= 33 && text.length < 80_000)
    await eventually('the upstream connection ends', () => upstream.destroyed)
    client.say(get(stage, 'next'))
    await client.hear('the next answer', (all) => all.endsWith('ok'))
  }
})

test('H1-13: what is no interim answer is not relayed as one', async (t) => {
  for (const line of ['HTTP/1.1 099 Odd', 'HTTP/1.1 000 Odd', 'HTTP/1.1 101 Switching Protocols']) {
    const { stage, behind } = await start(t)
    const client = await converse(t, stage.port)
    client.say(get(stage, 'held'))
    ;(await behind('/held')).write(`${line}\r\n\r\n${final}`)
    const text = await client.hear('the refusal', (all) => all.includes('}'))
    assert.deepEqual(statuses(text), [502], line)
  }
})
