import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { closed, startWebSockets } from '../support/websocket.ts'

const count = 1000
const descriptors = (): number => readdirSync('/proc/self/fd').length

test('issue 4.3: a thousand tunnels at a time echo, each its own, and then nothing is left of them', async (t) => {
  const stage = await startWebSockets(t, { pool: { connections: 8 } })
  const gauge = async (name: string) =>
    Number(new RegExp(`^audgate_open_${name} (\\d+)$`, 'm').exec(await stage.metrics())?.[1])
  const warm = await stage.client()
  warm.terminate()
  await eventually('it is gone', () => stage.upstream.open.size === 0)
  const before = descriptors()
  const clients = await Promise.all(Array.from({ length: count }, () => stage.client({ perMessageDeflate: false })))
  assert.deepEqual([await gauge('tunnels'), await gauge('requests')], [count, 0])
  assert.equal(stage.upstream.open.size, count)
  for (let round = 0; round < 3; round++) {
    const heard = await Promise.all(
      clients.map(async (client, i) => {
        client.send(`${round} ${i}`)
        return String((await once(client, 'message'))[0])
      }),
    )
    assert.deepEqual(
      heard,
      clients.map((_, i) => `${round} ${i}`),
    )
  }
  // An orderly end for some, for the others none.
  const ends = clients.map((client, i) => {
    const end = closed(client)
    if (i % 2 === 0) client.close(1000)
    else client.terminate()
    return end
  })
  await Promise.all(ends)
  await eventually('the upstream has none', () => stage.upstream.open.size === 0)
  await eventually('the gateway has none', async () => (await gauge('tunnels')) === 0)
  await eventually('their connections are closed', () => descriptors() <= before + 10, 10_000)
  const again = await stage.client()
  again.send('and the next')
  assert.equal(String((await once(again, 'message'))[0]), 'and the next')
  const records = (await stage.log()).filter(({ msg, status }) => msg === 'request' && status === 101)
  assert.equal(records.length, count + 1)
})
