import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkerError } from '../../src/workers/worker-error.ts'
import { serving, settle, stageGroup } from './group-setup.ts'

const bound = { address: '127.0.0.1', port: 8080 }

const fault = (message: string) => () => {
  throw new WorkerError('fault', message)
}

const messages = (logged: readonly { readonly msg: string }[]): readonly string[] =>
  logged.map(({ msg }) => msg).filter((msg) => msg !== 'worker started')

test('the group listens when each of its workers does', async () => {
  const first = Promise.withResolvers<unknown>()
  const { group, started } = stageGroup(2, (index) =>
    index === 0 ? { ...serving, start: () => first.promise } : serving,
  )
  let listening = false
  const listened = group.listen().then((where) => {
    listening = true
    return where
  })
  await settle()
  assert.equal(started.length, 2)
  assert.equal(listening, false, 'the first does not yet')
  first.resolve(bound)
  assert.deepEqual(await listened, bound)
  assert.deepEqual(
    group.members().map(({ worker, serving: serves }) => [worker, serves]),
    [
      [1, true],
      [2, true],
    ],
  )
})

test('a worker that cannot listen at the start is a mistake of the operator: the group does not listen, and says why', async () => {
  const { group } = stageGroup(2, (index) => (index === 0 ? serving : { start: fault('the port is taken') }))
  await assert.rejects(group.listen(), /the port is taken/)
})

test('one that crashes at the start does not keep the others from serving, and is tried again', async () => {
  const { group, started, clock } = stageGroup(2, (index) => (index === 0 ? {} : serving))
  const listened = group.listen()
  await settle()
  started[0]?.end(7)
  assert.deepEqual(await listened, bound)
  clock.advance(250)
  await settle()
  assert.equal(started.length, 3)
  assert.equal(group.members().length, 2)
})

test('a worker that ends is replaced under its number; who comes when others serve waits for its keys', async () => {
  const { group, started, clock, logged } = stageGroup(2, () => serving)
  await group.listen()
  await settle()
  clock.advance(60_000)
  started[1]?.end('SIGSEGV')
  await settle()
  assert.deepEqual(
    group.members().map(({ worker }) => worker),
    [1],
  )
  clock.advance(250)
  await settle()
  assert.deepEqual(
    group.members().map(({ worker }) => worker),
    [1, 2],
  )
  const whenReady = started.map(({ heard }) => Reflect.get(Object(heard[0]?.said), 'whenReady'))
  assert.deepEqual(whenReady, [false, false, true])
  assert.deepEqual(
    logged.filter(({ level }) => level === 'error'),
    [{ level: 'error', worker: 2, ended: 'SIGSEGV', delay_ms: 250, msg: 'worker ended: another takes its place' }],
  )
})

test('when no other serves, one that comes does not wait for keys: it can say what is the matter', async () => {
  const { group, started, clock } = stageGroup(1, () => serving)
  await group.listen()
  started[0]?.end(1)
  await settle()
  clock.advance(250)
  await settle()
  assert.equal(Reflect.get(Object(started[1]?.heard[0]?.said), 'whenReady'), false)
})

test('a crash loop slows down; who has lived ten seconds begins anew', async () => {
  const { group, started, clock, logged } = stageGroup(1, () => serving)
  await group.listen()
  const die = async (livedMs: number) => {
    clock.advance(livedMs)
    started.at(-1)?.end(7)
    await settle()
    const pause = Number(logged.at(-1)?.delay_ms)
    const before = started.length
    clock.advance(pause - 1)
    await settle()
    assert.equal(started.length, before, 'not before its time')
    clock.advance(1)
    await settle()
    assert.equal(started.length, before + 1)
    return pause
  }
  assert.deepEqual(
    [await die(0), await die(9999), await die(0), await die(10_000), await die(0)],
    [250, 500, 1000, 250, 500],
  )
})

test('a worker that cannot serve later is started again, and the log says why', async () => {
  const { group, started, clock, logged } = stageGroup(1, (index) =>
    index === 0 ? serving : { start: fault('the port is taken') },
  )
  await group.listen()
  started[0]?.end(1)
  await settle()
  clock.advance(250)
  await settle()
  assert.ok(started[1]?.killed())
  assert.deepEqual(messages(logged), [
    'worker ended: another takes its place',
    'worker cannot serve',
    'worker ended: another takes its place',
  ])
  assert.equal(logged.find(({ msg }) => msg === 'worker cannot serve')?.detail, 'the port is taken')
})

test('a worker that does not answer for half a minute is ended and replaced; one that says no is alive', async () => {
  const { group, started, clock, logged } = stageGroup(2, () => serving)
  await group.listen()
  const [frozen, grumpy] = started
  if (!frozen || !grumpy) return assert.fail()
  frozen.answers = { ...serving, ready: () => new Promise(() => undefined) }
  grumpy.answers = { ...serving, ready: fault('not now') }
  for (let second = 0; second < 34; second++) {
    clock.advance(1000)
    await settle()
  }
  assert.equal(frozen.killed(), false)
  clock.advance(1000)
  await settle()
  assert.deepEqual([frozen.killed(), grumpy.killed()], [true, false])
  assert.deepEqual(messages(logged), ['worker does not answer: it is ended', 'worker ended: another takes its place'])
})

test('complete is the group of which every worker was ready once, also when one is replaced later', async () => {
  const keys = Promise.withResolvers<unknown>()
  const { group, started } = stageGroup(2, (index) =>
    index === 1 ? { ...serving, settled: () => keys.promise } : serving,
  )
  await group.listen()
  await settle()
  assert.equal(group.complete(), false)
  keys.resolve(undefined)
  await settle()
  assert.equal(group.complete(), true)
  started[0]?.end(1)
  await settle()
  assert.equal(group.complete(), true)
})

test('gather has the answers of those that answer in time', async () => {
  const { group, started, clock } = stageGroup(3, () => serving)
  await group.listen()
  const [, silent, unwilling] = started
  if (!silent || !unwilling) return assert.fail()
  silent.answers = {}
  unwilling.answers = { metrics: fault('no') }
  const first = started[0] ?? assert.fail()
  first.answers = { ...serving, metrics: () => 'text' }
  const gathered = group.gather('metrics', undefined, 1000)
  await settle()
  clock.advance(1000)
  assert.deepEqual(
    (await gathered).map(([{ worker }, text]) => [worker, text]),
    [[1, 'text']],
  )
})

test('who does not follow is replaced, after it has finished what it had in flight; who ended is replaced anyway', async () => {
  const { group, started, clock, logged, retired } = stageGroup(3, () => serving)
  await group.listen()
  const [, unwilling, dead] = started
  if (!unwilling || !dead) return assert.fail()
  unwilling.answers = {
    reload: fault('the config does not load here'),
    close: () => ({ cut: 0, metrics: '# HELP last_total x\n# TYPE last_total counter\nlast_total 1\n' }),
  }
  dead.answers = {}
  const insisted = group.insist('reload', new Map(), 60_000)
  await settle()
  dead.end(9)
  await insisted
  await settle()
  assert.deepEqual(unwilling.heard.at(-1), { name: 'close', said: { delayMs: 0, drainMs: undefined } })
  assert.equal(started.length, 3)
  unwilling.end(0)
  await settle()
  assert.equal(started.length, 4, 'at once: it did not crash')
  assert.deepEqual(retired, ['last_total'], 'its last words count')
  clock.advance(250)
  await settle()
  assert.equal(started.length, 5)
  assert.deepEqual(messages(logged), [
    'worker does not follow: it is replaced',
    'worker ended: another takes its place',
  ])
})

test('who is being replaced when all are closed is not asked again, and what it cut counts', async () => {
  const { group, started } = stageGroup(1, () => serving)
  await group.listen()
  const unwilling = started[0] ?? assert.fail()
  const ended = Promise.withResolvers<unknown>()
  unwilling.answers = { reload: fault('no'), close: () => ended.promise }
  await group.insist('reload', new Map(), 60_000)
  await group.insist('reload', new Map(), 60_000)
  const closed = group.close({ delayMs: 0, drainMs: 0 }, 1000)
  await settle()
  ended.resolve({ cut: 2, metrics: '' })
  unwilling.end(0)
  assert.equal(await closed, 2)
  assert.equal(unwilling.heard.filter(({ name }) => name === 'close').length, 1)
  await settle()
  assert.equal(started.length, 1)
})

test('close: each is asked, what they cut is added up, and nobody is replaced any more', async () => {
  const { group, started, clock } = stageGroup(3, () => serving)
  await group.listen()
  for (const [index, worker] of started.entries()) {
    worker.answers = {
      close: () => {
        worker.end(0)
        return { cut: index, metrics: '' }
      },
    }
  }
  const said = { delayMs: 5, drainMs: 6 }
  assert.equal(await group.close(said, 1000), 3)
  for (const { heard, killed } of started) {
    assert.deepEqual(heard.at(-1), { name: 'close', said })
    assert.equal(killed(), false)
  }
  clock.advance(100_000)
  await settle()
  assert.equal(started.length, 3)
})

test('close: who does not come to its end in time, or ends in another way, is killed and counts as cut; who never served does not', async () => {
  const { group, started, clock } = stageGroup(3, (index) => (index === 2 ? {} : serving))
  void group.listen()
  await settle()
  const closed = group.close({ delayMs: 0, drainMs: 0 }, 1000)
  await settle()
  started[1]?.end('SIGSEGV')
  clock.advance(999)
  await settle()
  assert.equal(started[0]?.killed(), false)
  clock.advance(1)
  assert.equal(await closed, 2)
  assert.ok(started[0]?.killed())
})

test('close ends the pause before a worker is started again: nobody is', async () => {
  const { group, started, clock } = stageGroup(1, () => serving)
  await group.listen()
  started[0]?.end(7)
  await settle()
  assert.equal(await group.close({ delayMs: 0, drainMs: 0 }, 1000), 0)
  clock.advance(100_000)
  await settle()
  assert.equal(started.length, 1)
})
