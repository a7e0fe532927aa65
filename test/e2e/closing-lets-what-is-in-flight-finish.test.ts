import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const hold = () => {
  const held: Socket[] = []
  return {
    held,
    answer: ({ line }: { line: string }, socket: Socket) => {
      if (line.includes('/quick')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      held.push(socket)
      return undefined
    },
  }
}

const refused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', () => resolve(true))
  })

test('OP-3: idle connections end, nobody new gets in, and what is in flight ends with Connection: close', async (t) => {
  const { held, answer } = hold()
  const stage = await startSpied(t, { answer })
  const request = (path: string): Buffer =>
    requestBytes([`GET /orders${path} HTTP/1.1`, 'Host: a', stage.authorization])
  const [idle, busy, half] = [
    await converse(t, stage.port),
    await converse(t, stage.port),
    await converse(t, stage.port),
  ]
  idle.say(request('/quick'))
  await idle.hear('an answer', (text) => text.endsWith('ok'))
  busy.say(request('/slow'))
  half.say(request('/half'))
  await eventually('both are upstream', () => held.length === 2)
  held[1]?.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
  await half.hear('the first piece', (text) => text.includes('one'))

  const closed = stage.gateway.close(0)
  await idle.end()
  await eventually('nobody new gets in', () => refused(stage.port))
  assert.ok(!busy.closed() && !half.closed())
  held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  held[1]?.write('3\r\ntwo\r\n0\r\n\r\n')
  assert.match(await busy.end(), /^HTTP\/1\.1 200 OK[\s\S]*\r\nConnection: close\r\n[\s\S]*\r\nok$/)
  assert.match(await half.end(), /two\r\n0\r\n\r\n$/)
  assert.equal(await closed, 0)
})

test('OP-3: what does not finish within `drain` is cut, and counted', async (t) => {
  const { held, answer } = hold()
  const stage = await startSpied(t, { answer, listen: { timeouts: { drain: '100ms' } } })
  const client = await converse(t, stage.port)
  client.say(requestBytes(['GET /orders/slow HTTP/1.1', 'Host: a', stage.authorization]))
  await eventually('it is upstream', () => held.length === 1)
  assert.equal(await stage.gateway.close(0), 1)
  await client.end()
})

test('OP-1: during the delay requests are served, each with Connection: close, and readiness is off', async (t) => {
  const stage = await startSpied(t)
  const kept = await converse(t, stage.port)
  kept.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]))
  await kept.hear('an answer', (text) => text.endsWith('ok'))
  assert.match(kept.text(), /\r\nConnection: keep-alive\r\n/)
  const closed = stage.gateway.close(1000)
  assert.equal((await fetch(`http://127.0.0.1:${stage.adminPort}/readyz`)).status, 503)
  kept.say(requestBytes(['GET /orders/2 HTTP/1.1', 'Host: a', stage.authorization]))
  assert.match(await kept.end(), /\r\nConnection: close\r\n[\s\S]*ok$/)
  const fresh = await converse(t, stage.port)
  fresh.say(requestBytes(['GET /orders/3 HTTP/1.1', 'Host: a', stage.authorization]))
  assert.match(await fresh.end(), /^HTTP\/1\.1 200[\s\S]*\r\nConnection: close\r\n/)
  assert.equal(await closed, 0)
})
