import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

/** A process whose delay and drain are longer than any test; `/orders/never` is not answered. */
const start = async (t: TestContext) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    if (request.url !== '/never') response.end('ok')
  })
  const adminPort = await freePort()
  const file = temporaryFile(
    t,
    'audgate.yaml',
    `listen: { address: "127.0.0.1:0", timeouts: { drain_delay: 10m, drain: 10m } }\nadmin: 127.0.0.1:${adminPort}\n${issuerYaml()}upstreams:\n  ${upstream.url}: { resource: ${ORDERS}, at: /orders }\n`,
  )
  const audgate = startAudgate(t, ['serve', '--config', file])
  const [, port] = await audgate.said(/"address":"127\.0\.0\.1:(\d+)"/)
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${port}/orders/${path}`, { headers: { authorization: `Bearer ${liveToken()}` } })
  const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status
  const drain = () => fetch(`http://127.0.0.1:${adminPort}/drain`, { method: 'POST' })
  const busy = async (): Promise<void> => {
    ask('never').catch(() => undefined)
    await eventually('it is upstream', () => upstream.connections() > 0)
  }
  return { ...audgate, ask, ready, drain, busy }
}

test('OP-1, OP-3: SIGTERM turns readiness off and still serves, each answer the last; a second one ends it with 143', async (t) => {
  const audgate = await start(t)
  assert.equal((await audgate.ask('1')).headers.get('connection'), 'keep-alive')
  assert.equal(await audgate.ready(), 200)
  audgate.child.kill('SIGTERM')
  await eventually('readiness is off', async () => (await audgate.ready()) === 503)
  for (const path of ['2', '3']) {
    const answer = await audgate.ask(path)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('connection'), 'close')
  }
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 143)
})

test('OP-3: SIGINT knows no delay; a second one ends it with 130', async (t) => {
  const [idle, busy] = [await start(t), await start(t)]
  await idle.ask('1')
  idle.child.kill('SIGINT')
  assert.equal(await idle.ended, 0)
  await busy.busy()
  busy.child.kill('SIGINT')
  await eventually('nobody new gets in', () =>
    busy.ask('2').then(
      () => false,
      () => true,
    ),
  )
  busy.child.kill('SIGINT')
  assert.equal(await busy.ended, 130)
})

test('Operations 4.1: after /drain each answer is the last of its connection, nothing is refused, and readiness stays', async (t) => {
  const audgate = await start(t)
  assert.equal((await audgate.ask('1')).headers.get('connection'), 'keep-alive')
  assert.equal((await audgate.drain()).status, 200)
  for (const path of ['2', '3']) {
    const answer = await audgate.ask(path)
    assert.deepEqual([answer.status, answer.headers.get('connection')], [200, 'close'])
  }
  assert.equal(await audgate.ready(), 200)
  audgate.child.kill('SIGINT')
  assert.equal(await audgate.ended, 0)
})
