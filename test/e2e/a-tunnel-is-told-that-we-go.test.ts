import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { type Backend, startBalancer } from '../support/balancer.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'

const yaml = ({ port, adminPort }: Backend, upstream: string, drain: string): string => `
listen: { address: "127.0.0.1:${port}", timeouts: { drain: ${drain} } }
admin: 127.0.0.1:${adminPort}
${issuerYaml()}
upstreams: { ${JSON.stringify(upstream)}: { resource: ${ORDERS}, at: /orders } }
`

test('OP-3: in a restart a tunnel lives until `drain` is over, and then ends with 1001 and exit status 1', async (t) => {
  const upstream = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(upstream, 'listening')
  t.after(() => {
    for (const client of upstream.clients) client.terminate()
    upstream.close()
  })
  const upstreamCodes: number[] = []
  upstream.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('close', (code) => upstreamCodes.push(code))
  })
  const backend = { port: await freePort(), adminPort: await freePort() }
  const balancer = await startBalancer(t, [backend])
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const start = (drain: string) =>
    startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml(backend, url, drain))])
  const open = async (): Promise<WebSocket> => {
    await eventually('it is ready', () => balancer.isUp(backend), 20_000)
    const client = new WebSocket(`ws://127.0.0.1:${balancer.port}/orders/live`, {
      headers: { authorization: `Bearer ${liveToken()}` },
    })
    t.after(() => client.terminate())
    await once(client, 'open')
    return client
  }
  const echoed = async (client: WebSocket, text: string): Promise<void> => {
    const echo = once(client, 'message')
    client.send(text)
    assert.equal(String((await echo)[0]), text)
  }

  const first = start('1s')
  const client = await open()
  await echoed(client, 'before')
  const closed = once(client, 'close')
  first.child.kill('SIGTERM')
  await eventually('it drains', () => !balancer.isUp(backend))
  await echoed(client, 'while it drains')
  const [code] = await closed
  assert.equal(code, 1001)
  assert.equal(await first.ended, 1)
  await eventually('the upstream was told', () => upstreamCodes.length === 1)
  assert.deepEqual(upstreamCodes, [1001])

  // One that ends by itself in time is nothing to be cut.
  const second = start('30s')
  const next = await open()
  await echoed(next, 'on the new instance')
  second.child.kill('SIGTERM')
  await eventually('it drains', () => !balancer.isUp(backend))
  next.close(1000)
  assert.equal(await second.ended, 0)
})
