import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { startOrders } from '../support/orders.ts'

test('of the connections that were one too many the first is told at once, and the rest at the latest with the end', async (t) => {
  const stage = await startOrders(t, {}, { listen: { limits: { connections: 1 } } })
  const told = async () =>
    (await stage.log()).filter(({ msg }) => msg === 'connections dropped').map(({ limit, count }) => [limit, count])
  const first = await converse(t, stage.port)
  for (let i = 0; i < 5; i++) await (await converse(t, stage.port)).end()
  assert.deepEqual(await told(), [['listen.limits.connections', 1]])
  first.socket.destroy()
  await stage.gateway.close(0)
  assert.deepEqual(await told(), [
    ['listen.limits.connections', 1],
    ['listen.limits.connections', 4],
  ])
})
