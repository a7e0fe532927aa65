import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { WebSocketOptions } from '../../src/upstream/options.ts'
import { createTunnelRegistry } from '../../src/upstream/tunnel-registry.ts'
import { eventually } from '../support/eventually.ts'
import { everything, socketPair } from '../support/socket-pair.ts'
import { frame } from '../support/websocket.ts'

const week = 7 * 86_400_000
const limits: WebSocketOptions = { closeAtExpiry: false, idleMs: week, maxMs: 52 * week, origins: undefined }

/** A registry whose clocks stand still until they are set, and that really sweeps. */
const start = async (t: TestContext) => {
  const time = { seconds: 1_800_000_000, ms: 5000 }
  const registry = createTunnelRegistry(
    () => time.seconds,
    () => time.ms,
  )
  const ends: unknown[] = []
  const open = async (change: Partial<WebSocketOptions> = {}, expiresAt?: number, stands = () => true) => {
    const client = await socketPair(t, true)
    const upstream = await socketPair(t, false)
    let passed = 0
    const events = {
      onBytes: () => {
        passed++
      },
      onEnd: (broken: unknown) => {
        ends.push(broken)
      },
    }
    registry.add(client.ours, upstream.ours, Buffer.alloc(0), events, { ...limits, ...change }, expiresAt, stands)
    upstream.theirs.resume()
    const heard = everything(client.theirs)
    return {
      /** The code of the Close frame that the client gets, which is all it gets. */
      code: async () => {
        const close = await heard
        assert.equal(close.length, 4)
        return close.readUInt16BE(2)
      },
      speak: async () => {
        const before = passed
        client.theirs.write(frame(1, 'a'))
        await eventually('it passed', () => passed > before)
      },
      isOpen: () => !client.ours.writableEnded,
    }
  }
  /** After this the sweep has looked at everything once. */
  const swept = async () => {
    const { seconds } = time
    const marker = await open({ closeAtExpiry: true }, seconds)
    await marker.code()
  }
  t.after(() => registry.close())
  return { time, registry, open, swept, ends }
}

test('WS-10: a quiet tunnel is closed with 1001, one on which something is said is not', async (t) => {
  const { time, open, swept } = await start(t)
  const quiet = await open({ idleMs: 60_000 })
  const busy = await open({ idleMs: 60_000 })
  const other = await open()
  await swept()
  time.ms += 59_999
  await swept()
  assert.ok(quiet.isOpen())
  await busy.speak()
  await swept()
  time.ms += 1
  assert.equal(await quiet.code(), 1001)
  assert.ok(busy.isOpen() && other.isOpen())
  time.ms += 59_999
  assert.equal(await busy.code(), 1001)
  assert.ok(other.isOpen())
})

test('WS-10: a tunnel has an age at which it ends, whatever is said on it, and a year is no moment', async (t) => {
  const { time, open, swept } = await start(t)
  const old = await open({ maxMs: 60_000 })
  const older = await open({ idleMs: 100 * week, maxMs: 52 * week })
  time.ms += 30_000
  await old.speak()
  await swept()
  assert.ok(old.isOpen())
  time.ms += 30_000
  assert.equal(await old.code(), 1001)
  time.ms += 50 * week
  await swept()
  assert.ok(older.isOpen())
  time.ms += 2 * week
  assert.equal(await older.code(), 1001)
})

test('WS-10: with `close_at_expiry` a tunnel ends with its token by 1008, without it does not', async (t) => {
  const { time, open, swept } = await start(t)
  const tied = await open({ closeAtExpiry: true }, time.seconds + 2)
  const free = await open({ closeAtExpiry: false }, time.seconds + 2)
  const open2 = await open({ closeAtExpiry: true }, undefined)
  time.seconds += 1.99
  await swept()
  assert.ok(tied.isOpen())
  time.seconds += 0.01
  assert.equal(await tied.code(), 1008)
  time.seconds += 1_000_000
  await swept()
  assert.ok(free.isOpen() && open2.isOpen())
})

test('WS-10: after a reload those that no longer stand are closed with 1012, and the others go on', async (t) => {
  const { registry, open } = await start(t)
  let reloaded = false
  const fallen = await open({}, undefined, () => !reloaded)
  const standing = await open()
  assert.equal(registry.review(), 0)
  reloaded = true
  assert.equal(registry.review(), 1)
  assert.equal(await fallen.code(), 1012)
  await standing.speak()
  assert.ok(standing.isOpen())
})

test('WS-10: a tunnel that opens when what it was let in by has gone is closed at once', async (t) => {
  const { open } = await start(t)
  const late = await open({}, undefined, () => false)
  assert.equal(await late.code(), 1012)
})

test('OP-3: closing ends every tunnel with 1001, says how many there were, and lets none open again', async (t) => {
  const { registry, open, ends } = await start(t)
  const tunnels = [await open(), await open(), await open()]
  const codes = tunnels.map(({ code }) => code())
  assert.equal(await registry.close(), 3)
  assert.deepEqual(await Promise.all(codes), [1001, 1001, 1001])
  assert.deepEqual(ends, [undefined, undefined, undefined])
  const late = await open()
  assert.equal(await late.code(), 1001)
})

test('OP-3: closing without a tunnel takes no time', async (t) => {
  const { registry } = await start(t)
  assert.equal(await registry.close(), 0)
})
