import assert from 'node:assert/strict'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { type AudgateProcess, startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { type Backend, startBalancer } from '../support/balancer.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

const yaml = ({ port, adminPort }: Backend, upstream: string): string => `
listen:
  address: 127.0.0.1:${port}
  timeouts: { drain_delay: 1s }
  limits: { requests_per_connection: 100 }
admin: 127.0.0.1:${adminPort}
log: { level: warn }
${issuerYaml()}
upstreams:
  ${upstream}: { resource: ${ORDERS}, at: /orders }
`

interface Kind {
  readonly method: string
  readonly contentBytes: number
  readonly chunked: boolean
  /** Up to so long between an answer and the next request. */
  readonly thinkMs: number
}

const kinds: readonly Kind[] = [
  { method: 'GET', contentBytes: 0, chunked: false, thinkMs: 0 },
  { method: 'GET', contentBytes: 0, chunked: false, thinkMs: 10 },
  { method: 'GET', contentBytes: 0, chunked: false, thinkMs: 200 },
  { method: 'POST', contentBytes: 1000, chunked: false, thinkMs: 10 },
  { method: 'POST', contentBytes: 200_000, chunked: true, thinkMs: 50 },
  { method: 'POST', contentBytes: 20_000, chunked: true, thinkMs: 200 },
]

/** Sends one request after the other on connections that it keeps; none is sent again. */
const startClient = (t: TestContext, port: number, kind: Kind, told: (fault: string | undefined) => void): void => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { authorization: `Bearer ${liveToken()}` }
  const content = Buffer.alloc(kind.contentBytes, 'x')
  let stopped = false
  t.after(() => {
    stopped = true
    agent.destroy()
  })
  const ask = (): void => {
    if (stopped) return
    const answered = (response: IncomingMessage): void => {
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
      })
      response.on('error', (error) => settle(`answer: ${error.message}`))
      response.on('end', () => {
        const whole = response.complete && response.statusCode === 200 && size === kind.contentBytes + 2
        settle(whole ? undefined : `${response.statusCode}, ${size} octets`)
      })
    }
    const sent: ClientRequest = request({
      port,
      host: '127.0.0.1',
      path: '/orders/1',
      method: kind.method,
      agent,
      headers,
    })
    sent.on('response', answered)
    sent.on('error', (error) => settle(`request: ${error.message}, ${sent.reusedSocket ? 'kept' : 'new'} connection`))
    if (!kind.chunked) return void sent.end(content)
    sent.write(content.subarray(0, content.length / 2))
    setImmediate(() => sent.end(content.subarray(content.length / 2)))
  }
  const settle = (fault: string | undefined): void => {
    if (stopped) return
    told(fault)
    setTimeout(ask, Math.random() * kind.thinkMs)
  }
  ask()
}

test('OP-3: two instances behind a balancer are replaced under load, one after the other, and no request fails', async (t) => {
  /** By the name under which each process adds itself to `Via`. */
  const served = new Map<string, number>()
  const upstream = await startUpstream(t, (incoming, response) => {
    const via = String(incoming.headers.via)
    response.writeHead(200)
    response.write('ok')
    incoming.pipe(response)
    response.on('finish', () => served.set(via, (served.get(via) ?? 0) + 1))
  })
  const backends = await Promise.all(
    [0, 1].map(async (): Promise<Backend> => ({ port: await freePort(), adminPort: await freePort() })),
  )
  const balancer = await startBalancer(t, backends)
  const start = (backend: Backend): AudgateProcess =>
    startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml(backend, upstream.url))])
  const instances = backends.map(start)
  const up = (backend: Backend) => eventually('it is ready', () => balancer.isUp(backend), 20_000)
  await Promise.all(backends.map(up))

  let good = 0
  const faults: string[] = []
  for (const kind of kinds) {
    for (let client = 0; client < 4; client++) {
      startClient(t, balancer.port, kind, (fault) => {
        if (fault === undefined) good++
        else faults.push(fault)
      })
    }
  }
  /** Until so many instances have served a good number each. */
  const load = (count: number) =>
    eventually(
      `${count} instances have served`,
      () => faults.length > 0 || [...served.values()].filter((each) => each >= 300).length >= count,
      20_000,
    )
  await load(2)
  for (const [index, backend] of backends.entries()) {
    const old = instances[index] ?? assert.fail()
    old.child.kill('SIGTERM')
    assert.equal(await old.ended, 0, old.stdout() + old.stderr())
    instances[index] = start(backend)
    await up(backend)
    await load(3 + index)
  }
  assert.deepEqual(faults, [])
  assert.ok(good > 2000, String(good))
})
