import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

test('resources of one upstream share its connections: `pool.connections` is a limit of the upstream', async (t) => {
  const waiting: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    waiting.push(response)
  })
  const entry = (name: string) => ({
    resource: `https://api.test/${name}`,
    at: `/${name}`,
    routes: { '/**': 'public' },
    pool: { connections: 1 },
  })
  const upstreams = JSON.stringify({ [upstream.url]: [entry('a'), entry('b')] })
  const gateway = await startGateway(t, `${issuerYaml()}upstreams: ${upstreams}\n`)
  const answers = Promise.all(['a', 'b'].map(async (name) => (await fetch(`${gateway.url}/${name}`)).text()))
  await eventually('both are under way', async () => /^audgate_open_requests 2$/m.test(await gateway.metrics()))
  await eventually('the first has arrived', () => waiting.length > 0)
  assert.equal(waiting.length, 1)
  waiting[0]?.end('one')
  await eventually('the second has its turn', () => waiting.length === 2)
  waiting[1]?.end('two')
  assert.deepEqual((await answers).sort(), ['one', 'two'])
  assert.equal(upstream.connections(), 1)
})
