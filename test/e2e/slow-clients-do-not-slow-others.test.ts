import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

test('HS-27, attacks 2.6 rows 2 and 3: beside slow readers and slow writers others are as fast as before', async (t) => {
  const big = Buffer.alloc(100_000_000)
  let bigs = 0
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    if (request.url !== '/big') return void response.end('small')
    bigs++
    response.end(big)
    return undefined
  })
  const stage = await startOrders(t, { routes: { '/**': 'public' } }, { upstream })
  const get = (path: string): Buffer => requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: a'])
  const client = await converse(t, stage.port)
  client.socket.removeAllListeners('data')
  /** Milliseconds of three hundred requests in turn, sorted. */
  const measure = async (): Promise<number[]> => {
    const taken: number[] = []
    for (let count = 0; count < 300; count++) {
      const began = performance.now()
      const answered = new Promise((resolve) => client.socket.once('data', resolve))
      client.say(get('small'))
      await answered
      taken.push(performance.now() - began)
    }
    return taken.sort((a, b) => a - b)
  }
  await measure()
  const quiet = await measure()
  for (let count = 0; count < 5; count++) {
    const reader = await converse(t, stage.port)
    reader.socket.pause()
    reader.say(get('big'))
    const sip = setInterval(() => reader.socket.read(1), 50)
    const writer = await converse(t, stage.port)
    writer.say(requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', 'Content-Length: 1000000']))
    const drip = setInterval(() => writer.say('x'), 50)
    t.after(() => {
      clearInterval(sip)
      clearInterval(drip)
    })
  }
  await eventually('the slow ones are under way', () => bigs === 5)
  const beside = await measure()
  const at = (taken: readonly number[], share: number): number => taken[Math.floor(taken.length * share)] ?? Number.NaN
  t.diagnostic(
    `median ${at(quiet, 0.5).toFixed(2)} and ${at(beside, 0.5).toFixed(2)} ms, p99 ${at(quiet, 0.99).toFixed(2)} and ${at(beside, 0.99).toFixed(2)} ms`,
  )
  // The p99 has the garbage collector and the machine's other work in it, the median too where that is much; the fastest
  // fifth is ours.
  assert.ok(at(beside, 0.2) < 2 * at(quiet, 0.2) + 2, `${at(quiet, 0.2)} ms, then ${at(beside, 0.2)} ms`)
})
