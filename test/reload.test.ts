import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { FileRead } from '../src/config/files.ts'
import { loadConfig } from '../src/config/load.ts'
import { createReloader } from '../src/reload.ts'
import { temporaryFile } from './support/audgate-process.ts'
import { secretVolume } from './support/certificate-files.ts'
import { eventually } from './support/eventually.ts'
import { createManualClock } from './support/manual-clock.ts'
import { liveKey } from './support/orders.ts'
import { createKey } from './support/tokens.ts'

const jwks = (jwk: object): string => JSON.stringify({ keys: [jwk] })
const inline = (name: string): string =>
  `issuers: { ${name}: { issuer: https://${name}.test, keys: { jwks: ${jwks(liveKey.jwk)} } } }\nupstreams: {}\n`
const named = (file: string): string =>
  `issuers: { main: { issuer: https://as.test, keys: { jwks_file: ${file} } } }\nupstreams: {}\n`

/** The file of a config that is followed, with a clock that stands still, and what comes of it in order. */
const follow = async (t: TestContext, file: string, env: Readonly<Record<string, string>> = {}) => {
  const loaded = loadConfig(file, { env })
  assert.ok(loaded.ok)
  const clock = createManualClock()
  const told: string[] = []
  const applied: ReadonlyMap<string, FileRead>[] = []
  const log = (level: string) => (fields: Readonly<Record<string, unknown>>, message?: string) => {
    const place =
      fields.line === undefined ? '' : ` ${fields.file === file ? 'FILE' : fields.file}:${fields.line}:${fields.column}`
    told.push(`${level}${place} ${message}`)
  }
  const never = () => assert.fail('nothing else is logged')
  let applying: Promise<void> | undefined
  const reloader = createReloader({
    running: loaded.config,
    env,
    clock,
    log: { logger: { error: log('error'), warn: never, info: never, debug: never, trace: never, fatal: never } },
    apply: async (next, files) => {
      told.push(`apply ${next.issuers.map(({ issuer }) => issuer).join()}`)
      applied.push(files)
      await applying
    },
    refresh: async () => {
      told.push('refresh')
    },
    failed: () => told.push('failed'),
  })
  t.after(reloader.close)
  /** A look is over when the next one is planned. */
  const rested = () => eventually('the look is over', () => clock.waiting().some((ms) => ms >= 5000))
  await rested()
  const take = (): readonly string[] => told.splice(0)
  return {
    ...reloader,
    clock,
    applied,
    take,
    /** How long `apply` takes. */
    until: (over: Promise<void>) => {
      applying = over
    },
    /** Waits for an event, lets it come to rest, and says what came of it. */
    settle: async (): Promise<readonly string[]> => {
      await eventually('an event', () => clock.waiting().includes(250))
      clock.advance(250)
      await rested()
      return take()
    },
    hup: async (): Promise<readonly string[]> => {
      reloader.now()
      await eventually('it is served', () => told.includes('refresh'))
      return take()
    },
  }
}

test('operations 4.5: another content is applied once, the same one and an event alone never', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { settle, take, clock } = await follow(t, file)
  assert.deepEqual(take(), [])
  writeFileSync(file, inline('two'))
  assert.deepEqual(await settle(), ['apply https://two.test'])
  writeFileSync(file, inline('two'))
  assert.deepEqual(await settle(), [])
  clock.advance(60_000)
  await eventually('the minute is over', () => clock.waiting().includes(60_000))
  assert.deepEqual(take(), [])
})

test('what changed between the load and the first look is not missed', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const loaded = loadConfig(file, { env: {} })
  assert.ok(loaded.ok)
  writeFileSync(file, inline('two'))
  const told: string[] = []
  const { close } = createReloader({
    running: loaded.config,
    env: {},
    clock: createManualClock(),
    log: { logger: { ...console, fatal: console.error } },
    apply: async (next) => void told.push(next.issuers[0]?.name ?? ''),
    refresh: async () => undefined,
    failed: () => assert.fail('it is valid'),
  })
  t.after(close)
  await eventually('it is applied', () => told.length > 0)
  assert.deepEqual(told, ['two'])
})

test('operations 4.5: every problem is logged at its place, once, and again when SIGHUP asks', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { settle, hup, take, clock } = await follow(t, file)
  writeFileSync(file, `unknown: 1\n${inline('two')}listen: { address: nowhere, limits: { token_size: x } }\n`)
  const problems = await settle()
  assert.deepEqual(
    problems.map((line) => /^error FILE:\d+:\d+ |^error config not reloaded|^failed$/.exec(line)?.[0]),
    ['error FILE:1:1 ', 'error FILE:4:20 ', 'error FILE:4:51 ', 'error config not reloaded', 'failed'],
  )
  for (const _ of [1, 2]) {
    clock.advance(60_000)
    await eventually('the minute is over', () => clock.waiting().includes(60_000))
  }
  assert.deepEqual(take(), [])
  assert.deepEqual(await hup(), [...problems, 'refresh'])
})

for (const { what, text, problem } of [
  { what: 'no YAML', text: 'a: [', problem: /FILE:1:\d/ },
  { what: 'empty', text: '', problem: /FILE:1:1/ },
  { what: 'no UTF-8', text: Buffer.from([0x61, 0x3a, 0xff]), problem: /FILE:1:\d/ },
  { what: 'half written', text: inline('two').slice(0, 60), problem: /FILE:1:\d/ },
  {
    what: 'a variable that is not set',
    text: 'issuers: { a: { issuer: "https://${NOBODY}" } }\nupstreams: {}\n',
    problem: /NOBODY/,
  },
  { what: 'a file that is not there', text: named('nowhere.json'), problem: /nowhere\.json.* does not exist/ },
]) {
  test(`a config that is ${what} changes nothing, and neither does the one before when it is back`, async (t) => {
    const file = temporaryFile(t, 'audgate.yaml', inline('one'))
    const { settle, hup } = await follow(t, file)
    writeFileSync(file, text)
    const told = await settle()
    assert.equal(told.at(-1), 'failed')
    assert.match(told[0] ?? '', problem)
    assert.ok(!told.some((line) => line.startsWith('apply')))
    writeFileSync(file, inline('one'))
    // Whoever counts failures has to hear that it is good again.
    assert.deepEqual(await settle(), ['apply https://one.test'])
    assert.deepEqual(await hup(), ['refresh'])
  })
}

test('a config file that is deleted changes nothing, and counts when it is back', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { settle } = await follow(t, file)
  unlinkSync(file)
  const told = await settle()
  assert.deepEqual(told, [
    'error FILE:1:1 the config file does not exist',
    'error config not reloaded: the one before goes on',
    'failed',
  ])
  writeFileSync(file, inline('two'))
  assert.deepEqual(await settle(), ['apply https://two.test'])
})

test('a directory that is renamed, and another in its place: the file there counts', async (t) => {
  const outer = join(temporaryFile(t, 'x', ''), '..')
  const folder = join(outer, 'config')
  const fill = (name: string, text: string): void => {
    mkdirSync(join(outer, name))
    writeFileSync(join(outer, name, 'audgate.yaml'), text)
  }
  fill('config', inline('one'))
  fill('next', inline('two'))
  const { settle } = await follow(t, join(folder, 'audgate.yaml'))
  renameSync(folder, join(outer, 'last'))
  renameSync(join(outer, 'next'), folder)
  assert.deepEqual(await settle(), ['apply https://two.test'])
  writeFileSync(join(folder, 'audgate.yaml'), inline('three'))
  assert.deepEqual(await settle(), ['apply https://three.test'])
  rmSync(join(outer, 'last'), { recursive: true })
})

test('operations 4.5: a file that the config names and that changes alone is a reload, with what it held in that moment', async (t) => {
  const keys = temporaryFile(t, 'keys.json', jwks(liveKey.jwk))
  const file = temporaryFile(t, 'audgate.yaml', named(keys))
  const { settle, applied } = await follow(t, file)
  const next = jwks(createKey('ES256', 'next').jwk)
  writeFileSync(keys, next)
  assert.deepEqual(await settle(), ['apply https://as.test'])
  assert.deepEqual([...(applied[0]?.keys() ?? [])], [file, keys])
  const read = applied[0]?.get(keys)
  assert.equal(read?.ok && Buffer.from(read.bytes).toString(), next)
  writeFileSync(keys, '{')
  assert.deepEqual((await settle()).at(-1), 'failed')
})

test('operations 4.5: files that a new config names are followed from then on, and those of the old one no longer', async (t) => {
  const [old, next] = [
    temporaryFile(t, 'old.json', jwks(liveKey.jwk)),
    temporaryFile(t, 'next.json', jwks(liveKey.jwk)),
  ]
  const file = temporaryFile(t, 'audgate.yaml', named(old))
  const { settle, applied, hup } = await follow(t, file)
  writeFileSync(file, named(next))
  assert.deepEqual(await settle(), ['apply https://as.test'])
  // What it was made from is whole: the file that was new to it, too.
  assert.ok(applied[0]?.get(next)?.ok)
  writeFileSync(next, jwks(createKey('ES256', 'a').jwk))
  assert.deepEqual(await settle(), ['apply https://as.test'])
  unlinkSync(old)
  assert.deepEqual(await hup(), ['refresh'])
})

test('a file that a broken config lacks is waited for', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { settle } = await follow(t, file)
  const keys = join(file, '../later.json')
  writeFileSync(file, named('later.json'))
  assert.equal((await settle()).at(-1), 'failed')
  writeFileSync(keys, jwks(liveKey.jwk))
  assert.deepEqual(await settle(), ['apply https://as.test'])
})

test('what a broken config named, and the next broken one does not, is no longer looked at', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { settle } = await follow(t, file)
  for (const name of ['a.json', 'b.json']) {
    writeFileSync(file, named(name))
    assert.equal((await settle()).at(-1), 'failed')
  }
  writeFileSync(join(file, '../a.json'), jwks(liveKey.jwk))
  assert.deepEqual(await settle(), [])
})

test('operations 4.5: a swap of `..data` that brings a config and the new file that it names is one reload', async (t) => {
  const { path, swap } = secretVolume(t, { 'audgate.yaml': inline('one'), 'a.json': '', 'b.json': '' })
  const { settle, applied } = await follow(t, path('audgate.yaml'))
  const text = jwks(liveKey.jwk)
  swap({ 'audgate.yaml': named('a.json'), 'a.json': text, 'b.json': '' })
  assert.deepEqual(await settle(), ['apply https://as.test'])
  const read = applied[0]?.get(path('a.json'))
  assert.equal(read?.ok && Buffer.from(read.bytes).toString(), text)
  swap({ 'audgate.yaml': named('b.json'), 'a.json': '', 'b.json': text })
  assert.deepEqual(await settle(), ['apply https://as.test'])
})

test('AS-11: SIGHUP applies what has changed and then loads keys again, and does so where nothing has changed', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { hup } = await follow(t, file)
  assert.deepEqual(await hup(), ['refresh'])
  writeFileSync(file, inline('two'))
  assert.deepEqual(await hup(), ['apply https://two.test', 'refresh'])
  writeFileSync(file, 'broken: [')
  // A key that was withdrawn must end whatever is wrong with the file.
  const told = await hup()
  assert.deepEqual(told.slice(-2), ['failed', 'refresh'])
})

test('a thousand SIGHUPs at once are served as two', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { now, take, clock } = await follow(t, file)
  const all: string[] = []
  for (let count = 0; count < 1000; count++) now()
  await eventually('all are served', () => {
    all.push(...take())
    return all.length === 2
  })
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  assert.deepEqual([...all, ...take()], ['refresh', 'refresh'])
  assert.equal(clock.waiting().length, 1)
})

test('one reload after the other: what changes while one is applied waits, and the last content wins', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { until, now, take } = await follow(t, file)
  let release: () => void = () => undefined
  until(
    new Promise((resolve) => {
      release = resolve
    }),
  )
  const told: string[] = []
  const sees = (count: number) => () => {
    told.push(...take())
    return told.length >= count
  }
  writeFileSync(file, inline('two'))
  now()
  await eventually('it is being applied', sees(1))
  for (const name of ['three', 'four']) {
    writeFileSync(file, inline(name))
    now()
  }
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  assert.deepEqual([...told, ...take()], ['apply https://two.test'])
  release()
  await eventually('the last one is applied', sees(4))
  assert.deepEqual(told, ['apply https://two.test', 'refresh', 'apply https://four.test', 'refresh'])
})

test('variables are those of the process: `${NAME}` is the same in every generation', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { settle } = await follow(t, file, { NAME: 'mine' })
  writeFileSync(
    file,
    'issuers: { "${NAME}": { issuer: "https://${NAME}.test" } }\nupstreams: {}\n'.replace('"${NAME}"', 'x'),
  )
  assert.deepEqual(await settle(), ['apply https://mine.test'])
})

test('what is loaded when it is closed is not applied', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const ends: (() => void)[] = []
  const env = {
    get NAME() {
      for (const end of ends) end()
      return 'late'
    },
  }
  const { close, now, take } = await follow(t, file, env)
  let over = false
  ends.push(() => {
    close()
    over = true
  })
  writeFileSync(file, inline('x').replace('https://x.test', '"https://${NAME}.test"'))
  now()
  await eventually('it is loaded', () => over)
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  assert.deepEqual(take(), [])
})

test('after close nothing is looked at, applied or waited for', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', inline('one'))
  const { close, now, take, clock } = await follow(t, file)
  writeFileSync(file, inline('two'))
  now()
  close()
  now()
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
  assert.deepEqual(take(), [])
  assert.deepEqual(clock.waiting(), [])
})
