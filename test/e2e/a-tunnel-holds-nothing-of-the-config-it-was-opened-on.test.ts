import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from '../support/eventually.ts'
import { configOf } from '../support/gateway.ts'
import { startWebSockets } from '../support/websocket.ts'

test('WS-10: a tunnel outlives its config, of which then nothing is left in memory', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const stage = await startWebSockets(t, { websocket: true })
  const { gateway, text } = stage
  /** The gateway alone holds what it is made of. */
  const load = async (n: number): Promise<WeakRef<object>> => {
    const other = `  'http://127.0.0.1:9': { resource: 'https://api.test/other', at: /other, scopes: s${n} }\n`
    const config = configOf(text.replace(/^upstreams: (\{.*)\}$/m, (_, map) => `upstreams: ${map}, ${other.trim()} }`))
    await gateway.reload(config)
    return new WeakRef(config.resources)
  }
  const before = await load(0)
  const client = await stage.client()
  await load(1)
  await load(2)
  await eventually('the config is gone', async () => {
    await setImmediate()
    collect()
    return before.deref() === undefined
  })
  const echo = once(client, 'message')
  client.send('still here')
  assert.equal(String((await echo)[0]), 'still here')
})
