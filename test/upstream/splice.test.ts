import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Splice, splice } from '../../src/upstream/splice.ts'
import { eventually } from '../support/eventually.ts'
import { everything, socketPair } from '../support/socket-pair.ts'
import { frame } from '../support/websocket.ts'

interface Stage {
  /** The far ends. */
  readonly client: Socket
  readonly upstream: Socket
  readonly spliced: Splice
  /** The near ends. */
  readonly near: { readonly client: Socket; readonly upstream: Socket }
  readonly bytes: { in: number; out: number }
  /** How it ended, each time it said so. */
  readonly ends: (string | undefined)[]
  over(): Promise<void>
}

const start = async (t: TestContext, head: Buffer = Buffer.alloc(0)): Promise<Stage> => {
  const client = await socketPair(t, true)
  const upstream = await socketPair(t, false)
  for (const { ours } of [client, upstream]) ours.setTimeout(60_000)
  const bytes = { in: 0, out: 0 }
  const ends: (string | undefined)[] = []
  const spliced = splice(client.ours, upstream.ours, head, {
    onBytes: (direction, count) => {
      bytes[direction] += count
    },
    onEnd: (broken) => ends.push(broken),
  })
  return {
    client: client.theirs,
    upstream: upstream.theirs,
    spliced,
    near: { client: client.ours, upstream: upstream.ours },
    bytes,
    ends,
    over: () => eventually('the end is told', () => ends.length === 1),
  }
}

/** A Close frame without its mask: the octets of its code. */
const codeOf = (close: Buffer): number => {
  const masked = close[1] === 0x82
  const at = masked ? 6 : 2
  assert.equal(close[0], 0x88)
  assert.equal(close.length, at + 2)
  const octet = (i: number): number => (close[at + i] ?? 0) ^ (masked ? (close[2 + i] ?? 0) : 0)
  return octet(0) * 256 + octet(1)
}

test('octets pass both ways, what was sent ahead first, and are counted', async (t) => {
  const stage = await start(t, Buffer.from('ahead '))
  stage.client.write('in')
  const [first] = await once(stage.upstream.setEncoding('utf8').resume(), 'data')
  let said = String(first)
  stage.upstream.on('data', (chunk) => {
    said += chunk
  })
  await eventually('all is there', () => said === 'ahead in')
  stage.upstream.write('out')
  const [back] = await once(stage.client.setEncoding('utf8').resume(), 'data')
  assert.equal(back, 'out')
  assert.deepEqual(stage.bytes, { in: 8, out: 3 })
  assert.deepEqual([stage.near.client.timeout, stage.near.upstream.timeout], [0, 0])
  assert.deepEqual([stage.spliced.moved(), stage.spliced.moved()], [true, false])
})

for (const side of ['client', 'upstream'] as const) {
  const other = side === 'client' ? 'upstream' : 'client'

  test(`WS-11: the end of the ${side} reaches the other side behind everything that it said`, async (t) => {
    const stage = await start(t)
    const size = 3_000_000
    stage[side].end(Buffer.alloc(size, 7))
    const got = await everything(stage[other])
    assert.equal(got.length, size)
    stage[side].resume()
    stage[other].end()
    await stage.over()
    assert.deepEqual(stage.ends, [undefined])
  })

  test(`WS-11: when the ${side} ends and the other does not, it is cut within moments`, async (t) => {
    const stage = await start(t)
    stage[other].resume()
    stage[side].end()
    stage[side].resume()
    await once(stage[other], 'end')
    await stage.over()
    assert.deepEqual(stage.ends, [undefined])
    assert.ok(stage.near.client.destroyed && stage.near.upstream.destroyed)
  })

  test(`WS-11: when the ${side} breaks off, the other gets what it said, then the end`, async (t) => {
    const stage = await start(t)
    stage[side].write('last words')
    const heard = everything(stage[other])
    await eventually('it passed', () => stage.bytes[side === 'client' ? 'in' : 'out'] === 10)
    stage[side].resetAndDestroy()
    assert.equal(String(await heard), 'last words')
    await stage.over()
    assert.deepEqual(stage.ends, [side])
  })

  test(`back-pressure: a ${side} that does not read is not read for`, async (t) => {
    const stage = await start(t)
    const from = stage[other]
    const size = 64 * 1024 * 1024
    const block = Buffer.alloc(65_536, 1)
    const near = stage.near[side]
    let written = 0
    let stuck = false
    // As much as all buffers take, then as much as there is.
    const more = (): void => {
      while (written < size) {
        written += block.length
        if (!from.write(block)) {
          from.once('drain', more)
          return
        }
      }
    }
    more()
    let before = -1
    await eventually('nothing moves any more', async () => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      stuck = written === before
      before = written
      return stuck
    })
    assert.ok(written < size / 2, `${written} were taken`)
    assert.ok(near.writableLength < 512 * 1024, `${near.writableLength} are held`)
    let read = 0
    stage[side].on('data', (chunk: Buffer) => {
      read += chunk.length
    })
    stage[side].resume()
    await eventually('all of it arrives', () => read === size, 20_000)
  })
}

test('RFC 6455 5.5.1: our own end says so to both sides between two frames, masked to the server', async (t) => {
  const stage = await start(t)
  const toClient = everything(stage.client)
  const toUpstream = everything(stage.upstream)
  stage.client.write(frame(1, 'hello'))
  await eventually('it passed', () => stage.bytes.in > 0)
  stage.spliced.end(1008)
  const [client, upstream] = await Promise.all([toClient, toUpstream])
  assert.equal(codeOf(client), 1008)
  const close = upstream.subarray(frame(1, 'hello').length)
  assert.equal(close[1], 0x82)
  assert.equal(codeOf(close), 1008)
  await stage.over()
  assert.deepEqual(stage.ends, [undefined])
})

test('RFC 6455 5.3: each mask is another', async (t) => {
  const masks = new Set<string>()
  for (let i = 0; i < 4; i++) {
    const stage = await start(t)
    const upstream = everything(stage.upstream)
    stage.spliced.end(1001)
    masks.add((await upstream).subarray(2, 6).toString('hex'))
  }
  assert.equal(masks.size, 4)
})

test('in the middle of a frame no Close frame is put in, and none behind a Close frame', async (t) => {
  for (const said of [frame(2, 'half').subarray(0, 7), frame(8, '')]) {
    for (const side of ['client', 'upstream'] as const) {
      const other = side === 'client' ? 'upstream' : 'client'
      const stage = await start(t)
      const heard = everything(stage[other])
      const answered = everything(stage[side])
      stage[side].write(said)
      await eventually('it passed', () => stage.bytes.in + stage.bytes.out === said.length)
      stage.spliced.end(1001)
      assert.deepEqual(await heard, said)
      assert.equal(codeOf(await answered), 1001)
      await stage.over()
    }
  }
})

test('what comes after our end goes nowhere, and a side that stays is cut', async (t) => {
  const stage = await start(t)
  const heard = everything(stage.upstream)
  stage.client.resume()
  stage.spliced.end(1001)
  stage.client.write(frame(1, 'too late'))
  assert.equal(codeOf(await heard), 1001)
  await stage.over()
  assert.equal(stage.bytes.in, 0)
  assert.ok(stage.near.client.destroyed && stage.near.upstream.destroyed)
})

test('a side that was held up when the tunnel ends is read again, and so ends at once', async (t) => {
  for (const by of ['our own end', 'a reset']) {
    const stage = await start(t)
    const { client, upstream } = stage
    upstream.on('end', () => upstream.end())
    client.on('end', () => client.end())
    upstream.resume()
    upstream.write(Buffer.alloc(32 * 1024 * 1024))
    await eventually('it is held up', () => stage.near.upstream.isPaused() && stage.near.upstream.readableLength > 0)
    const began = performance.now()
    if (by === 'a reset') client.resetAndDestroy()
    else stage.spliced.end(1001)
    client.resume()
    await stage.over()
    assert.ok(performance.now() - began < 900, by)
  }
})

test('asked to end twice, it is cut at once', async (t) => {
  const stage = await start(t)
  const began = performance.now()
  stage.spliced.end(1001)
  stage.spliced.end(1001)
  await stage.over()
  assert.ok(performance.now() - began < 500)
})
