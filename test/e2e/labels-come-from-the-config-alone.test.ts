import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'PROPFIND',
  'QUERY',
  'SEARCH',
  'MERGE',
  'TRACE',
  'LINK',
]

test('TC-8, 2.6 row 19: ten thousand random paths, methods, hosts and tokens add not one series', async (t) => {
  const stage = await startSpied(t, {
    entry: { at: 'https://gw.test/orders', routes: { 'GET /{id}': 'authenticated', '/open/**': 'public' } },
  })
  const random = (): string => Math.random().toString(36).slice(2)
  const shapes: ((method: string) => Buffer)[] = [
    (method) => requestBytes([`${method} /orders/${random()} HTTP/1.1`, 'Host: gw.test']),
    (method) => requestBytes([`${method} /orders/${random()}/${random()} HTTP/1.1`, 'Host: gw.test']),
    (method) => requestBytes([`${method} /${random()}?${random()} HTTP/1.1`, 'Host: gw.test']),
    (method) => requestBytes([`${method} /orders/${random()} HTTP/1.1`, `Host: ${random()}.test`]),
    (method) => requestBytes([`${method} /orders/${random()} HTTP/1.1`, 'Host: gw.test', `X-${random()}: 1`]),
    (method) =>
      requestBytes([`${method} /orders/${random()} HTTP/1.1`, 'Host: gw.test', `Authorization: Bearer ${random()}`]),
    (method) =>
      requestBytes([
        `${method} /orders/${random()} HTTP/1.1`,
        'Host: gw.test',
        `Authorization: Bearer ${random()}.${random()}.${random()}`,
        `X-Request-Id: ${random()}`,
      ]),
  ]
  const run = async (count: number): Promise<void> => {
    const client = await converse(t, stage.port)
    const all = Array.from({ length: count }, (_, i) =>
      (shapes[i % shapes.length] ?? assert.fail())(methods[i % methods.length] ?? 'GET'),
    )
    for (let i = 0; i < count; i += 250) {
      const batch = all.slice(i, i + 250)
      client.say(Buffer.concat(batch))
      await eventually('the batch is answered', () => answers(client.text()) >= Math.min(i + 250, count), 20_000)
    }
    client.socket.destroy()
  }
  const answers = (text: string): number => text.split('HTTP/1.1 ').length - 1
  const series = async (): Promise<string[]> =>
    (await stage.metrics())
      .split('\n')
      .filter((line) => line.startsWith('audgate_'))
      .map((line) => line.slice(0, line.lastIndexOf(' ')))
      .sort()
  const whole = async (): Promise<void> => {
    await run(methods.length * shapes.length)
    for (const method of ['FOO', 'get']) {
      await sendRaw(stage.port, requestBytes([`${method}${random()} /orders/1 HTTP/1.1`, 'Host: gw.test']))
    }
    // Each ends its connection.
    for (let i = 0; i < 50; i++) {
      await sendRaw(stage.port, requestBytes([`GET /orders/%2e%2e/${random()} HTTP/1.1`, 'Host: gw.test']))
    }
  }
  await whole()
  const before = await series()
  await run(10_000)
  await whole()
  assert.deepEqual(await series(), before)
  assert.ok(before.length > 20)
  assert.equal(stage.spy.connections(), 0)
})
