import assert from 'node:assert/strict'
import { Agent, get, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { liveKey, liveToken } from '../support/orders.ts'
import { type Seen, startUpstream } from '../support/upstream.ts'
import { startWorkers } from '../support/workers.ts'

interface Client {
  /** Requests answered whole. */
  good: number
  /** The worker that served each connection of this client, by the name under which it adds itself to `Via`. */
  readonly servers: string[]
  /** Who had served the connection that broke, for each request that failed. */
  readonly failed: (string | undefined)[]
}

/** Sends one request after the other on one connection at a time, until the test ends or `stop` is called. */
const startClient = (t: TestContext, port: number) => {
  const client: Client = { good: 0, servers: [], failed: [] }
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let server: string | undefined
  let stopped = false
  const stop = (): void => {
    stopped = true
    agent.destroy()
  }
  t.after(stop)
  const failed = (): void => {
    if (!stopped) client.failed.push(server)
    next()
  }
  const next = (): void => {
    if (!stopped) setImmediate(ask)
  }
  const ask = (): void => {
    if (stopped) return
    const headers = { authorization: `Bearer ${liveToken()}` }
    const sent = get({ port, host: '127.0.0.1', path: '/orders/1', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', failed)
      response.on('end', () => {
        if (response.statusCode !== 200) return failed()
        const { via } = JSON.parse(text).headers
        if (via !== server) client.servers.push(via)
        server = via
        client.good++
        next()
      })
    })
    sent.on('error', failed)
    sent.on('socket', (socket) => {
      if (socket.connecting) server = undefined
    })
  }
  ask()
  return { client, stop }
}

test('kill -9 of a worker under load: its own connections fail, once each, it is replaced, and no total goes down', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const started: ReturnType<typeof startClient>[] = []
  const clients = () => started.map(({ client }) => client)
  const good = (): number => clients().reduce((sum, client) => sum + client.good, 0)
  /** Who of the workers gets a connection is not ours to say; with enough of them each has some. */
  const reach = (count: number) =>
    eventually(
      `${count} have served`,
      async () => {
        await look()
        if (new Set(clients().flatMap(({ servers }) => servers)).size === count) return true
        if (started.length < 200) started.push(startClient(t, audgate.port))
        return false
      },
      30_000,
    )
  let told = 0
  const look = async (): Promise<void> => {
    const now = (await audgate.metric('audgate_requests_total')) ?? 0
    assert.ok(now >= told, `${now} after ${told}`)
    told = now
  }

  await reach(2)
  const victim = audgate.pids().get(1) ?? assert.fail()
  process.kill(victim, 'SIGKILL')
  await eventually('another is there', () => audgate.pids().get(1) !== victim, 20_000)
  await reach(3)
  const before = good()
  await eventually('it goes on', () => good() > before + 100, 20_000)
  for (const { stop } of started) stop()
  await look()

  const broken = clients().flatMap(({ failed }) => failed)
  assert.ok(broken.length > 0, 'somebody was there')
  assert.equal(new Set(broken.filter((server) => server !== undefined)).size, 1, 'all of them were of one worker')
  for (const { failed } of clients()) assert.ok(failed.length <= 1, `a client failed ${failed.length} times`)
  const ended = audgate.lines().filter(({ msg }) => msg === 'worker ended: another takes its place')
  assert.deepEqual(
    ended.map(({ level, worker, ended: how }) => ({ level, worker, how })),
    [{ level: 'error', worker: 1, how: 'SIGKILL' }],
  )
  assert.equal((await audgate.admin('/readyz')).status, 200)
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 0)
})

test('what a worker had counted that is killed stays in the totals', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  let sent = 0
  const viaOf = ({ rawHeaders }: Seen) => rawHeaders[rawHeaders.findIndex((name) => /^via$/i.test(name)) + 1]
  await eventually(
    'both have served',
    async () => {
      sent += (await Promise.all(Array.from({ length: 20 }, () => audgate.ask()))).length
      return new Set(upstream.seen.map(viaOf)).size === 2
    },
    20_000,
  )
  const total = () => audgate.metric('audgate_requests_total')
  await eventually('all are counted', async () => (await total()) === sent)
  for (const [worker, pid] of audgate.pids()) {
    process.kill(pid, 'SIGKILL')
    await eventually('another is there', () => audgate.pids().get(worker) !== pid, 20_000)
    assert.equal(await total(), sent)
    await eventually('it serves', async () => !/worker/.test((await audgate.admin('/readyz?verbose')).text), 20_000)
    assert.equal(await total(), sent)
  }
  assert.equal(await audgate.metric('audgate_request_duration_seconds_count{'), sent)
})

test('a worker whose loop stands still is no hindrance for new connections: the other takes them', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const still = audgate.pids().get(2) ?? assert.fail()
  process.kill(still, 'SIGSTOP')
  t.after(() => process.kill(still, 'SIGKILL'))
  const answers = await Promise.all(Array.from({ length: 40 }, () => audgate.ask()))
  assert.deepEqual(new Set(answers), new Set([200]))
  const { status, text } = await audgate.admin('/readyz?verbose')
  assert.equal(status, 200)
  assert.match(text, /^worker 2: not there$/m)
  // Who scrapes waits a second, and is told what it had counted before.
  assert.ok(((await audgate.metric('audgate_requests_total')) ?? 0) >= 40)
})

test('a worker that comes in the place of another serves when it has keys: nobody meets a cold one meanwhile', async (t) => {
  const held: ServerResponse[] = []
  let fetches = 0
  const keys = JSON.stringify({ keys: [liveKey.jwk] })
  const issuer = await startUpstream(t, (request, response) => {
    request.resume()
    if (++fetches > 2) held.push(response)
    else response.end(keys)
  })
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url, {
    issuers: `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: ${issuer.url}/jwks } } }`,
  })
  await eventually('both are ready', async () => (await audgate.admin('/readyz')).status === 200)
  const victim = audgate.pids().get(1) ?? assert.fail()
  process.kill(victim, 'SIGKILL')
  await eventually('the other waits for keys', () => held.length > 0, 20_000)
  const meanwhile = async () => new Set(await Promise.all(Array.from({ length: 40 }, () => audgate.ask())))
  assert.deepEqual(await meanwhile(), new Set([200]))
  assert.match(
    (await audgate.admin('/readyz?verbose')).text,
    /^ready\nworker 1: starting\nworker 1: issuer main: no keys yet\n/,
  )
  assert.equal(await audgate.metric('audgate_jwks_keys{issuer="main"}'), 1, 'nobody meets the one without')
  assert.equal(await audgate.metric('audgate_jwks_state{issuer="main",state="cold"}'), 0)
  for (const response of held) response.end(keys)
  await eventually('it serves', async () => !/worker/.test((await audgate.admin('/readyz?verbose')).text), 20_000)
  assert.deepEqual(await meanwhile(), new Set([200]))
})
