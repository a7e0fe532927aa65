import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import {
  bind,
  healthPath,
  type Misbehaviour,
  misbehaveOn,
  overTcp,
  secret,
  type Visit,
} from '../support/faulty-upstream.ts'
import { freePort } from '../support/free-port.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startReplicated } from '../support/replicas.ts'

/** A port that is served, or is not. */
const startMortal = async (t: TestContext, misbehaviour: Misbehaviour = {}) => {
  const port = await freePort()
  let server = createServer()
  let cut = (): void => undefined
  const live = async (): Promise<void> => {
    server = createServer()
    cut = misbehaveOn(t, server, 'connection', misbehaviour).cut
    await bind(t, server, port)
  }
  await live()
  return {
    url: `http://127.0.0.1:${port}`,
    live,
    die: (): void => {
      server.close()
      cut()
    },
  }
}

/** Status and content, or `broken`. */
const ask = (port: number, path: string, agent?: Agent): Promise<string> =>
  new Promise((resolve) => {
    const asked = request({ port, host: '127.0.0.1', path, agent }, (response) => {
      let text = ''
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', () => resolve('broken'))
      response.on('end', () => resolve(`${response.statusCode} ${/"reason":"(\w+)"/.exec(text)?.[1] ?? text}`))
    })
    asked.on('error', () => resolve('broken'))
    asked.end()
  })

/** What the gauge says of each replica, in order. */
const health = async (stage: TestGateway): Promise<string> =>
  [...(await stage.metrics()).matchAll(/^audgate_upstream_healthy\{.*\} (\d)$/gm)].map(([, value]) => value).join('')

const idle = (stage: TestGateway): Promise<void> =>
  eventually('nothing is open', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))

test('ER-1: a single upstream dies under load and comes back: 502 in between, and nothing is to be done about it', async (t) => {
  const upstream = await startMortal(t)
  const stage = await startReplicated(t, [upstream.url])
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  t.after(() => agent.destroy())
  const answers = new Map<string, number>()
  let over = false
  const work = async (): Promise<void> => {
    while (!over) {
      const answer = await ask(stage.port, '/x', agent)
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  }
  const counted = (what: RegExp): number =>
    [...answers].filter(([answer]) => what.test(answer)).reduce((all, [, count]) => all + count, 0)
  const workers = Array.from({ length: 20 }, work)
  await eventually('it is busy', () => counted(/^200/) > 200)
  upstream.die()
  await eventually('nobody is there', () => counted(/^502 upstream_unreachable/) > 200)
  const before = counted(/^200/)
  await upstream.live()
  await eventually('it is busy again', () => counted(/^200/) > before + 200)
  const failures = counted(/^502/)
  await eventually('for good', () => counted(/^200/) > before + 400)
  assert.equal(counted(/^502/), failures)
  over = true
  await Promise.all(workers)
  assert.deepEqual(
    [...answers.keys()].filter((answer) => !/^(?:200 \/x|502 upstream_(?:unreachable|invalid))$/.test(answer)),
    [],
  )
  // Every one of them has its line and its count.
  await idle(stage)
  const metrics = await stage.metrics()
  const errors = [...metrics.matchAll(/^audgate_upstream_errors_total\{.*\} (\d+)$/gm)].map(([, value]) =>
    Number(value),
  )
  assert.equal(
    errors.reduce((all, one) => all + one, 0),
    counted(/^502/),
  )
})

test('both replicas die and come back: ejected or unhealthy, each serves again when it can', async (t) => {
  const replicas = await Promise.all([startMortal(t), startMortal(t)])
  const checks = { path: healthPath, interval: '100ms', timeout: '300ms', healthy: 2, unhealthy: 2 }
  const stage = await startReplicated(
    t,
    replicas.map(({ url }) => url),
    { health_check: checks, ejection: { failures: 2, duration: '100ms' } },
  )
  assert.equal(await ask(stage.port, '/x'), '200 /x')
  assert.equal(await health(stage), '11')
  for (const { die } of replicas) die()
  await eventually('both are out', async () => (await health(stage)) === '00')
  const since = performance.now()
  assert.equal(await ask(stage.port, '/x'), '502 upstream_unreachable')
  assert.ok(performance.now() - since < 1000)
  await replicas[1].live()
  await eventually('one is back', async () => (await health(stage)) === '01')
  for (let i = 0; i < 4; i++) assert.equal(await ask(stage.port, `/${i}`), `200 /${i}`)
  await replicas[0].live()
  await eventually('both are back', async () => (await health(stage)) === '11')
  for (let i = 0; i < 4; i++) assert.equal(await ask(stage.port, `/${i}`), `200 /${i}`)
  await eventually('each change is logged once', async () => {
    const told = (await stage.log()).map(({ msg }) => msg)
    const count = (wanted: string): number => told.filter((msg) => msg === wanted).length
    return count('upstream unhealthy') === 2 && count('upstream healthy') === 2
  })
})

test('a replica that answers 500 to everything is neither ejected nor asked twice', async (t) => {
  const oops = ({ say, over }: Visit): void => {
    say('HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops')
    over()
  }
  const [bad, good] = await Promise.all([overTcp({ primed: oops })(t), overTcp({})(t)])
  const stage = await startReplicated(t, [bad.url, good.url], { ejection: { failures: 1, duration: '1m' } })
  const answers = []
  for (let i = 0; i < 10; i++) answers.push(await ask(stage.port, `/primed/${i}`))
  assert.equal(answers.filter((answer) => answer === '500 oops').length, 5)
  assert.equal(await health(stage), '11')
  assert.doesNotMatch(await stage.metrics(), /^audgate_upstream_errors_total\{/m)
})

test('a replica whose health check is good, but whose requests hang, is left out; the other serves all', async (t) => {
  const [hanging, good] = await Promise.all([overTcp({ primed: () => undefined })(t), overTcp({})(t)])
  const stage = await startReplicated(t, [hanging.url, good.url], {
    health_check: { path: healthPath, interval: '100ms' },
    ejection: { failures: 2, duration: '1m' },
    timeouts: { response: '300ms' },
  })
  const answers = []
  for (let i = 0; i < 4; i++) answers.push(await ask(stage.port, '/primed/x'))
  assert.deepEqual(answers.sort(), ['200 /primed/x', '200 /primed/x', '504 upstream_timeout', '504 upstream_timeout'])
  assert.equal(await health(stage), '01')
  for (let i = 0; i < 6; i++) assert.equal(await ask(stage.port, '/primed/x'), '200 /primed/x')
  await eventually('it is logged', async () =>
    (await stage.log()).some(({ msg, upstream }) => msg === 'upstream ejected' && upstream === hanging.url),
  )
})

for (const [name, misbehave, detail] of [
  ['hangs', () => undefined, 'no answer in time'],
  [
    'trickles',
    ({ say, drip }) => {
      say('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n')
      drip('a'.repeat(100), 20)
    },
    'no answer in time',
  ],
  [
    'is 500',
    ({ say, over }) => {
      say('HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n')
      over()
    },
    'status 500',
  ],
  [
    'is a redirect',
    ({ say, over }) => {
      say('HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n')
      over()
    },
    'status 302',
  ],
  [
    'is huge',
    ({ say }) => {
      say('HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n')
      say(secret.repeat(100_000))
    },
    'too much content',
  ],
  ['is closed', ({ socket }) => void socket.destroy(), 'UND_ERR_SOCKET'],
  ['is no HTTP', ({ say }) => say(secret), 'not an HTTP/1.1 message'],
  [
    'upgrades',
    ({ say }) => say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
    'UND_ERR_SOCKET',
  ],
] as const satisfies readonly (readonly [string, (visit: Visit) => void, string])[]) {
  test(`a health check that ${name} takes the replica out, and mended it is back`, async (t) => {
    const replica = await overTcp({ health: misbehave })(t)
    const checks = { path: healthPath, interval: '100ms', timeout: '300ms', healthy: 1, unhealthy: 2 }
    const stage = await startReplicated(t, [replica.url], { health_check: checks })
    await eventually('it is out', async () => (await health(stage)) === '0')
    assert.equal(await ask(stage.port, '/x'), '502 upstream_unreachable')
    assert.match(await stage.metrics(), /^audgate_upstream_errors_total\{[^}]*reason="upstream_unreachable"\} 1$/m)
    const lines = async () => (await stage.log()).filter(({ msg }) => msg === 'upstream unhealthy')
    await eventually('it is logged', async () => (await lines()).length > 0)
    const [line] = await lines()
    assert.equal(line?.upstream, replica.url)
    assert.equal(line?.detail, detail)
    assert.doesNotMatch(await stage.logText(), new RegExp(secret))
    await replica.mend()
    await eventually('it is back', async () => (await health(stage)) === '1')
    assert.equal(await ask(stage.port, '/x'), '200 /x')
  })
}
