import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Conversation, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes } from '../support/raw-http.ts'
import { type SpiedStage, startSpied } from '../support/spy.ts'

const get = ({ authorization }: SpiedStage, path: string): Buffer =>
  requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: a', authorization])

/** What each answer says of the connection. */
const connectionIn = (text: string): string[] =>
  [...text.matchAll(/\r\nConnection: (\S+)/g)].map(([, value]) => value ?? '')

const ask = async (stage: SpiedStage, client: Conversation, count: number): Promise<void> => {
  client.say(get(stage, String(count)))
  await client.hear('an answer', (text) => connectionIn(text).length === count && text.endsWith('ok'))
}

test('after `requests_per_connection` the answer says so and the connection ends, also for refused requests', async (t) => {
  const stage = await startSpied(t, { listen: { limits: { requests_per_connection: 3 } } })
  const client = await converse(t, stage.port)
  await ask(stage, client, 1)
  client.say(requestBytes(['GET /orders/refused HTTP/1.1', 'Host: a']))
  await client.hear('a refusal', (text) => text.includes('401 Unauthorized') && text.endsWith('}'))
  client.say(get(stage, '3'))
  assert.deepEqual(connectionIn(await client.end()), ['keep-alive', 'keep-alive', 'close'])
  const next = await converse(t, stage.port)
  await ask(stage, next, 1)
})

test('of requests sent ahead as many are answered as the connection has left, and no other reaches anybody', async (t) => {
  const stage = await startSpied(t, { listen: { limits: { requests_per_connection: 20 } } })
  const client = await converse(t, stage.port)
  client.say(Buffer.concat(Array.from({ length: 50 }, (_, index) => get(stage, String(index)))))
  assert.deepEqual(connectionIn(await client.end()), [...Array(19).fill('keep-alive'), 'close'])
  assert.deepEqual(
    stage.spy.requests.map(({ line }) => Number(line.split(/[/ ]/)[2])).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, index) => index),
  )
})

test('a connection that is older than `connection` ends with its next answer, and not before', async (t) => {
  const stage = await startSpied(t, { listen: { timeouts: { connection: '400ms' } } })
  const [client, idle] = [await converse(t, stage.port), await converse(t, stage.port)]
  await ask(stage, client, 1)
  await ask(stage, idle, 1)
  const since = performance.now()
  await eventually('it is old', () => performance.now() - since > 500)
  client.say(Buffer.concat([get(stage, '2'), get(stage, '3')]))
  assert.deepEqual(connectionIn(await client.end()), ['keep-alive', 'close'])
  assert.ok(!idle.closed())
  assert.ok(!stage.spy.requests.some(({ line }) => line.includes('/3')))
})
