import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { droppedConnections } from '../src/gateway-events.ts'
import { createLog } from '../src/observe/log.ts'
import { temporaryFile } from './support/audgate-process.ts'
import { createManualClock } from './support/manual-clock.ts'

const start = (t: TestContext) => {
  const file = temporaryFile(t, 'log.jsonl', '')
  const clock = createManualClock()
  const log = createLog({ level: 'info', format: 'json' }, { target: file, nearMiss: () => undefined, now: clock.now })
  /** The limit and the count of each line so far. */
  const told = async (): Promise<readonly (readonly [string, number])[]> => {
    await log.close()
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .map(({ msg, limit, count }) => {
        assert.equal(msg, 'connections dropped')
        return [limit, count]
      })
  }
  return { clock, told, ...droppedConnections(log, clock.after) }
}

test('of a burst of dropped connections the first is told at once, and the rest when ten seconds are over', async (t) => {
  const { clock, dropped, told } = start(t)
  for (let i = 0; i < 1000; i++) dropped('connections')
  dropped('connections_per_client')
  clock.advance(9_999)
  dropped('connections')
  clock.advance(1)
  // Nothing came since: nothing is told, and the next one at once.
  clock.advance(60_000)
  assert.deepEqual(clock.waiting(), [])
  dropped('connections')
  assert.deepEqual(await told(), [
    ['listen.limits.connections', 1],
    ['listen.limits.connections_per_client', 1],
    ['listen.limits.connections', 1000],
    ['listen.limits.connections', 1],
  ])
})

test('connections that are dropped all the time are one line in ten seconds', async (t) => {
  const { clock, dropped, told } = start(t)
  for (let i = 0; i < 300; i++) {
    dropped('connections')
    clock.advance(100)
  }
  assert.deepEqual(
    (await told()).map(([, count]) => count),
    [1, 99, 100, 100],
  )
})

test('what was dropped last is told when it closes, and no timer is left', async (t) => {
  const { clock, dropped, close, told } = start(t)
  for (let i = 0; i < 5; i++) dropped('connections')
  dropped('connections_per_client')
  close()
  assert.deepEqual(clock.waiting(), [])
  assert.deepEqual(await told(), [
    ['listen.limits.connections', 1],
    ['listen.limits.connections_per_client', 1],
    ['listen.limits.connections', 4],
  ])
})
