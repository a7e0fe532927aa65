import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { digestOf, type FileRead } from '../../src/config/files.ts'
import { watchFiles } from '../../src/config/watch-files.ts'
import { secretVolume } from '../support/certificate-files.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock } from '../support/manual-clock.ts'

const folderOf = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-watch-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const shown = (all: ReadonlyMap<string, FileRead>): string[] =>
  [...all.values()].map((read) => {
    return read.ok ? Buffer.from(read.bytes).toString() : read.fault
  })

/** Files of which nothing is known yet. */
const unknown = (files: readonly string[]) => new Map(files.map((file) => [file, '']))

/** Files under watch with a clock that stands still, after the first look. */
const start = async (t: TestContext, files: readonly string[]) => {
  const clock = createManualClock()
  const changes: string[][] = []
  const watched = watchFiles(unknown(files), clock, (read) => {
    changes.push(shown(read))
  })
  t.after(watched.close)
  /** A look is over when the next one is planned. */
  const rested = () => eventually('the look is over', () => clock.waiting().some((ms) => ms >= 5000))
  await rested()
  return {
    ...watched,
    clock,
    changes,
    rested,
    /** Waits for an event, lets it come to rest, and waits for the look. */
    settle: async (): Promise<void> => {
      await eventually('an event', () => clock.waiting().includes(250))
      clock.advance(250)
      await rested()
    },
    /** A look now; true: over. */
    look: async (): Promise<void> => {
      watched.check()
      await rested()
    },
  }
}

/** A volume of Kubernetes whose files all hold the same. */
const volume = (t: TestContext, names: readonly string[]) => {
  const all = (text: string) => Object.fromEntries(names.map((name) => [name, text]))
  const { path, swap } = secretVolume(t, all('0'))
  return { files: names.map(path), swap: (text: string): void => swap(all(text)) }
}

test('what the caller has already is no change, and what is another since is found by the first look', async (t) => {
  const folder = folderOf(t)
  const [same, other] = [join(folder, 'a'), join(folder, 'b')]
  for (const file of [same, other]) writeFileSync(file, 'old')
  const known = digestOf({ ok: true, bytes: Buffer.from('old') })
  const clock = createManualClock()
  const changes: string[][] = []
  for (const text of ['old', 'new']) {
    writeFileSync(other, text)
    const watched = watchFiles(
      new Map([
        [same, known],
        [other, known],
      ]),
      clock,
      (read) => {
        changes.push(shown(read))
      },
    )
    await watched.check()
    watched.close()
  }
  assert.deepEqual(changes, [['old', 'new']])
})

test('a file that is followed from now on is looked at at once, and one that no longer is changes nothing', async (t) => {
  const folder = folderOf(t)
  const [first, second] = [join(folder, 'a'), join(folder, 'b')]
  for (const file of [first, second]) writeFileSync(file, 'x')
  const { changes, follow, rested, look } = await start(t, [first])
  follow([first, second])
  await rested()
  assert.deepEqual(changes, [['x'], ['x', 'x']])
  follow([second])
  writeFileSync(first, 'y')
  await look()
  assert.equal(changes.length, 2)
  writeFileSync(second, 'y')
  await look()
  assert.deepEqual(changes.at(-1), ['y'])
})

test('the next look waits for what is made of this one, and check() for both', async (t) => {
  const file = join(folderOf(t), 'a')
  writeFileSync(file, '0')
  const steps: string[] = []
  let release: () => void = () => undefined
  const watched = watchFiles(unknown([file]), createManualClock(), async (read) => {
    const [text] = shown(read)
    steps.push(`begin ${text}`)
    await new Promise<void>((resolve) => {
      release = resolve
    })
    steps.push(`end ${text}`)
  })
  t.after(watched.close)
  await eventually('the first', () => steps.length === 1)
  writeFileSync(file, '1')
  const checked = watched.check().then(() => steps.push('checked'))
  release()
  await eventually('the second', () => steps.length === 3)
  release()
  await checked
  assert.deepEqual(steps, ['begin 0', 'end 0', 'begin 1', 'end 1', 'checked'])
})

test('the first look comes at once, each change is told once, and only when it has come to rest', async (t) => {
  const folder = folderOf(t)
  const files = [join(folder, 'a'), join(folder, 'b')]
  for (const file of files) writeFileSync(file, 'old')
  const { changes, clock, settle } = await start(t, files)
  assert.deepEqual(changes, [['old', 'old']])
  writeFileSync(files[0] ?? '', 'new')
  await eventually('the event', () => clock.waiting().includes(250))
  clock.advance(200)
  writeFileSync(files[1] ?? '', 'new')
  await eventually('the rest begins anew', () => clock.waiting().includes(250))
  assert.equal(changes.length, 1)
  await settle()
  assert.deepEqual(changes, [
    ['old', 'old'],
    ['new', 'new'],
  ])
})

test('operations 4.5: what counts is the content, neither an event nor a time stamp', async (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'a')
  writeFileSync(file, 'same')
  const { changes, settle } = await start(t, [file])
  writeFileSync(join(folder, 'other'), 'x')
  await settle()
  writeFileSync(file, 'same')
  utimesSync(file, 1, 1)
  await settle()
  assert.equal(changes.length, 1)
})

test('operations 4.5: a volume that tells nobody is looked at every minute', async (t) => {
  const [folder, elsewhere] = [folderOf(t), folderOf(t)]
  const file = join(folder, 'a')
  writeFileSync(file, 'old')
  // Who writes through another directory makes no event in this one.
  linkSync(file, join(elsewhere, 'a'))
  const { changes, clock, rested } = await start(t, [file])
  assert.deepEqual(clock.waiting(), [60_000])
  writeFileSync(join(elsewhere, 'a'), 'new')
  clock.advance(59_999)
  assert.equal(changes.length, 1)
  clock.advance(1)
  await rested()
  assert.deepEqual(changes.at(-1), ['new'])
  assert.deepEqual(clock.waiting(), [60_000])
})

test('check() looks now', async (t) => {
  const file = join(folderOf(t), 'a')
  writeFileSync(file, 'old')
  const { changes, look } = await start(t, [file])
  writeFileSync(file, 'new')
  await look()
  assert.deepEqual(changes.at(-1), ['new'])
})

test('of several looks that are asked for at once each begins when the last is over', async (t) => {
  const { check, clock, rested, look } = await start(t, [join(folderOf(t), 'a')])
  for (let count = 0; count < 5; count++) check()
  await rested()
  for (let count = 0; count < 5; count++) await look()
  // Each that ends plans the next: two at a time would leave two plans.
  assert.equal(clock.waiting().length, 1)
})

test('a file that is gone, a directory in its place and a file that is back are changes like others', async (t) => {
  const file = join(folderOf(t), 'a')
  writeFileSync(file, 'x')
  const { changes, settle } = await start(t, [file])
  unlinkSync(file)
  await settle()
  mkdirSync(file)
  await settle()
  rmSync(file, { recursive: true })
  writeFileSync(file, 'x')
  await settle()
  assert.deepEqual(changes, [['x'], ['does not exist'], ['is a directory'], ['x']])
})

test('a swap of `..data` is one change', async (t) => {
  const { files, swap } = volume(t, ['tls.crt', 'tls.key'])
  const { changes, settle } = await start(t, files)
  swap('1')
  await settle()
  swap('2')
  await settle()
  assert.deepEqual(changes, [
    ['0', '0'],
    ['1', '1'],
    ['2', '2'],
  ])
})

test('operations 4.5: a swap in the middle of a look mixes no generations', async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `file${index}`)
  const { files, swap } = volume(t, names)
  const { changes, clock, check, rested } = await start(t, files)
  for (let round = 1; round <= 60; round++) {
    check()
    for (let turn = 0; turn < round; turn++) await new Promise(setImmediate)
    swap(String(round))
    await rested()
    check()
    await eventually(`generation ${round}`, () => {
      clock.advance(250)
      return changes.at(-1)?.[0] === String(round)
    })
    await rested()
  }
  for (const change of changes) assert.equal(new Set(change).size, 1, change.join(' '))
})

test('a file behind a link is watched where it is', async (t) => {
  const [folder, behind] = [folderOf(t), folderOf(t)]
  const [file, target] = [join(folder, 'a'), join(behind, 'a')]
  writeFileSync(target, 'old')
  symlinkSync(target, file)
  const { changes, settle } = await start(t, [file])
  writeFileSync(target, 'new')
  await settle()
  assert.deepEqual(changes.at(-1), ['new'])
})

test('operations 4.5: a directory that was replaced is watched in its new place', async (t) => {
  const folder = folderOf(t)
  const directory = join(folder, 'certs')
  const fill = (name: string, text: string): void => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'a'), text)
  }
  fill('certs', 'old')
  const { changes, settle } = await start(t, [join(directory, 'a')])
  fill('next', 'new')
  renameSync(directory, join(folder, 'last'))
  renameSync(join(folder, 'next'), directory)
  await settle()
  writeFileSync(join(directory, 'a'), 'newer')
  await settle()
  assert.deepEqual(changes, [['old'], ['new'], ['newer']])
})

test('a directory that cannot be watched is looked for every five seconds', async (t) => {
  const directory = join(folderOf(t), 'later')
  const { changes, clock, rested, settle } = await start(t, [join(directory, 'a')])
  assert.deepEqual(clock.waiting(), [5000])
  mkdirSync(directory)
  writeFileSync(join(directory, 'a'), 'there')
  clock.advance(5000)
  await rested()
  writeFileSync(join(directory, 'a'), 'watched')
  await settle()
  assert.deepEqual(changes, [['does not exist'], ['there'], ['watched']])
})

/** What this process holds open, also what would not keep it alive. */
const handles = (): { descriptors: number; watchers: number } => {
  const report: { libuv?: readonly { type: string }[] } = process.report.getReport()
  return {
    descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    watchers: (report.libuv ?? []).filter(({ type }) => type === 'fs_event').length,
  }
}

test('50 swaps leave no watcher, no timer and no descriptor behind, and neither does the end', async (t) => {
  const { files, swap } = volume(t, ['tls.crt', 'tls.key'])
  // The system's own descriptor for all watchers of a process comes with the first.
  const first = await start(t, files)
  first.close()
  // A handle is closed in the next turn.
  await eventually('the first are closed', () => handles().watchers === 0)
  const before = handles()
  const { changes, clock, close, look } = await start(t, files)
  const during = handles()
  assert.equal(during.watchers, 2)
  for (let round = 1; round <= 50; round++) {
    swap(String(round))
    await look()
  }
  assert.equal(changes.length, 51)
  await eventually('only the last watchers are left', () => isDeepStrictEqual(handles(), during))
  close()
  await eventually('everything is closed', () => isDeepStrictEqual(handles(), before))
  assert.deepEqual(clock.waiting(), [])
})

test('after the end of a look that was under way nobody is told', async (t) => {
  const folder = folderOf(t)
  const files = ['a', 'b', 'c'].map((name) => join(folder, name))
  const clock = createManualClock()
  let told = 0
  const watched = watchFiles(unknown(files), clock, () => {
    told++
  })
  watched.close()
  // A second one takes the same steps, and is told.
  const other = await start(t, files)
  assert.equal(other.changes.length, 1)
  assert.equal(told, 0)
  await watched.check()
  await other.look()
  assert.equal(told, 0)
  assert.deepEqual(clock.waiting(), [])
})

test('watching keeps no process alive', (t) => {
  const file = join(folderOf(t), 'a')
  writeFileSync(file, 'x')
  const source = (path: string): string => JSON.stringify(resolve(import.meta.dirname, '../../src', path))
  const program = `
    import { watchFiles } from ${source('config/watch-files.ts')}
    import { systemClock } from ${source('keys/clock.ts')}
    watchFiles(new Map([[${JSON.stringify(file)}, '']]), systemClock, () => console.log('told'))
  `
  const ended = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.deepEqual([ended.status, ended.stdout, ended.stderr], [0, 'told\n', ''])
})
