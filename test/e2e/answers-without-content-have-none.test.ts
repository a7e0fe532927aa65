import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { requestBytes } from '../support/raw-http.ts'
import { type SpyAnswer, startSpied } from '../support/spy.ts'

/** Two requests on one connection: the second answer shows where the first one ended. */
const twice = async (t: Parameters<typeof startSpied>[0], method: string, answer: SpyAnswer): Promise<string> => {
  const stage = await startSpied(t, {
    entry: { pool: { connections: 1 } },
    answer: (request, socket) =>
      request.line.includes('/second') ? 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond' : answer(request, socket),
  })
  const client = await converse(t, stage.port)
  client.say(requestBytes([`${method} /orders/1 HTTP/1.1`, 'Host: a', stage.authorization]))
  const first = await client.hear('the first answer', (text) => text.includes('\r\n\r\n'))
  client.say(requestBytes(['GET /orders/second HTTP/1.1', 'Host: a', stage.authorization]))
  const text = await client.hear('the second answer', (all) => all.endsWith('second'))
  assert.ok(text.startsWith(first))
  assert.match(text.slice(first.indexOf('\r\n\r\n') + 4), /^HTTP\/1\.1 200 OK\r\n/, first)
  return first
}

test('HS-24: the answer to HEAD keeps its length and has no content', async (t) => {
  const head = await twice(t, 'HEAD', () => 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\nETag: "1"\r\n\r\n')
  assert.match(head, /\r\nContent-Length: 500\r\n/)
  assert.doesNotMatch(head, /transfer-encoding/i)
  const chunked = await twice(t, 'HEAD', () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  assert.doesNotMatch(chunked, /content-length/i)
})

test('HS-24: 204 has neither content nor a length, whatever the upstream says', async (t) => {
  for (const fields of ['', 'Content-Length: 0\r\n', 'Content-Length: 500\r\n', 'Transfer-Encoding: chunked\r\n']) {
    const head = await twice(t, 'GET', () => `HTTP/1.1 204 No Content\r\n${fields}\r\n`)
    assert.match(head, /^HTTP\/1\.1 204 No Content\r\n/)
    assert.doesNotMatch(head, /content-length|transfer-encoding/i, fields)
  }
})

test('HS-24: 304 may tell the length of what it does not send', async (t) => {
  const head = await twice(t, 'GET', () => 'HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: "1"\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 304 Not Modified\r\nContent-Length: 500\r\nETag: "1"\r\n/)
  assert.doesNotMatch(
    await twice(t, 'GET', () => 'HTTP/1.1 304 Not Modified\r\n\r\n'),
    /transfer-encoding|content-length/i,
  )
})

test('HS-24: 205 and an empty 200 end where they say', async (t) => {
  assert.match(
    await twice(t, 'GET', () => 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n'),
    /Content-Length: 0\r\n/,
  )
  assert.match(await twice(t, 'GET', () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), /Content-Length: 0\r\n/)
})

test('HS-24: a refusal of HEAD has the head of the refusal of GET, and no content', async (t) => {
  const stage = await startSpied(t)
  const ask = async (method: string) => {
    const client = await converse(t, stage.port)
    client.say(requestBytes([`${method} /orders/1 HTTP/1.1`, 'Host: a']))
    client.say(requestBytes(['GET /orders/second HTTP/1.1', 'Host: a', stage.authorization]))
    const text = await client.hear('the second answer', (all) => all.endsWith('ok'))
    return text.slice(0, text.lastIndexOf('HTTP/1.1'))
  }
  const [get, head] = [await ask('GET'), await ask('HEAD')]
  const plain = (text: string): string => text.replace(/[0-9a-f-]{36}/g, 'ID').replace(/Date: .*\r\n/, '')
  assert.equal(plain(get).split('\r\n\r\n')[0], plain(head).split('\r\n\r\n')[0])
  assert.ok(head.endsWith('\r\n\r\n') && get.endsWith('}'))
})

test('HS-24, H1-20, attacks 2.5 row 3: content where there can be none is never an answer to the next request', async (t) => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
  for (const [method, first] of [
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 43\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 43\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 43\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ] as const) {
    for (const content of [evil, `2b\r\n${evil}\r\n0\r\n\r\n`, 'plain']) {
      const head = await twice(t, method, () => first + content)
      assert.match(head, /\r\n\r\n$/, first)
      assert.doesNotMatch(head, /evil|plain/, first)
    }
  }
})
