import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createStore } from '../../src/store/index.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { startRedis } from '../support/redis.ts'
import { recordStoreEvents } from '../support/store-events.ts'

const { cache } = createRequire(import.meta.url)

const isLoaded = (): boolean => Object.keys(cache).some((file) => file.includes('/@redis/client/'))

const create = (t: TestContext, url?: string) => {
  const options =
    url === undefined
      ? { kind: 'memory' as const }
      : { kind: 'redis' as const, url, username: undefined, passwordFile: undefined, ca: undefined }
  const events = recordStoreEvents()
  const clock = createManualClock()
  const store = createStore(options, { events, clock, random: () => 0, monotonic: () => 0 })
  t.after(() => store.close())
  return { store, events, clock }
}

test('contract section 2: without a Redis in the config its client is not even loaded', async (t) => {
  const { store, events } = create(t)
  assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: true, value: true })
  assert.equal(await store.fault(), undefined)
  assert.equal(isLoaded(), false)
  assert.deepEqual(events.connections, [])
  const redis = create(t, 'redis://127.0.0.1:1').store
  assert.equal(await redis.fault(), '127.0.0.1:1: ECONNREFUSED')
  assert.equal(isLoaded(), true)
})

test('the n-th attempt to connect comes n times 50 ms late, a second at most, and none after the close', async (t) => {
  const { store, clock, events } = create(t, 'redis://127.0.0.1:1')
  await store.fault()
  const waits: number[] = []
  for (let attempt = 0; attempt < 24; attempt++) {
    const [wait = 0] = clock.waiting()
    waits.push(wait)
    clock.advance(wait)
    while (clock.waiting().length === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(waits.slice(0, 3), [50, 100, 150])
  assert.deepEqual(waits.slice(-5), Array(5).fill(1000))
  assert.equal(events.connections.length, 1, 'told once')
  await store.close()
  assert.deepEqual(clock.waiting(), [])
})

test('after a connection that worked the first attempt comes soon again, however many failed before it', async (t) => {
  const port = await freePort()
  const { store, clock, events } = create(t, `redis://127.0.0.1:${port}`)
  const attempt = async (): Promise<void> => {
    clock.advance(clock.waiting()[0] ?? 0)
    await eventually('the attempt is over', () => clock.waiting().length > 0)
  }
  await store.fault()
  for (let failed = 0; failed < 10; failed++) await attempt()
  assert.deepEqual(clock.waiting(), [550])
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write('+PONG\r\n'))
  })
  t.after(() => server.close())
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  await attempt()
  assert.equal(events.connections.at(-1), `connected 127.0.0.1:${port}`)
  // Here the clock stands, so that no PING is sent, and the silence ends the connection.
  await eventually('it is lost', () => events.connections.length === 3)
  assert.deepEqual(clock.waiting(), [50])
})

test('a URL that is none is a fault which does not quote it', async (t) => {
  const { store, events } = create(t, 'redis://:canary@')
  assert.equal(await store.fault(), 'store: its URL cannot be read')
  assert.deepEqual(store.get('a'), { ok: false })
  assert.deepEqual(events.connections, ['lost store: its URL cannot be read'])
})

/** What a program says that asks a store whether it is there and does not close it, and how it ends. */
const runAsking = async (t: TestContext, url: string): Promise<readonly unknown[]> => {
  const program = `
    import { systemClock } from './src/keys/clock.ts'
    import { createStore } from './src/store/index.ts'
    const events = { operation: () => {}, connection: (state) => console.log(state), refused: () => {} }
    const options = { kind: 'redis', url: '${url}' }
    const store = createStore(options, { events, clock: systemClock, random: Math.random, monotonic: () => 0 })
    console.log(await store.fault())`
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const [code, signal] = await once(child, 'close')
  return [code, signal, said]
}

test('a store that was never closed keeps no process alive, whether its Redis is there or not', {
  timeout: 30_000,
}, async (t) => {
  assert.deepEqual(await runAsking(t, 'redis://127.0.0.1:1'), [0, null, 'lost\n127.0.0.1:1: ECONNREFUSED\n'])
  const redis = await startRedis(t)
  if (redis === undefined) return
  assert.deepEqual(await runAsking(t, redis.url), [0, null, 'connected\nundefined\n'])
})
