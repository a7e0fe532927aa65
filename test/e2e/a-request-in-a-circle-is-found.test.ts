import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { loggedRequests } from '../support/logged.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'

test('HS-5: a gateway that is its own upstream answers 502 upstream_loop after one turn', async (t) => {
  const port = await freePort()
  const map = { [`http://127.0.0.1:${port}/orders`]: { resource: ORDERS, at: '/orders' } }
  const stage = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`, {
    address: `127.0.0.1:${port}`,
  })
  const answer = await fetch(`${stage.url}/orders/1`, { headers: { authorization: `Bearer ${liveToken()}` } })
  assert.equal(answer.status, 502)
  assert.equal((await answer.text()).includes('"reason":"upstream_loop"'), true)
  const requests = await loggedRequests(stage, 2)
  assert.deepEqual(
    requests.map(({ reason }) => reason),
    ['upstream_loop', 'none'],
  )
})

test('HS-5: another gateway’s pseudonym is no circle', async (t) => {
  const { startSpied } = await import('../support/spy.ts')
  const stage = await startSpied(t)
  const answer = await fetch(`${stage.url}/orders/1`, {
    headers: { authorization: `Bearer ${stage.token()}`, via: '1.1 audgate-00000000, 1.1 audgate' },
  })
  assert.equal(answer.status, 200)
})
