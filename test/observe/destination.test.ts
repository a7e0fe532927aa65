import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const module = fileURLToPath(new URL('../../src/observe/destination.ts', import.meta.url))

/** Runs a script that has `createDestination` at hand, its standard output a pipe of ours. */
const run = (t: TestContext, script: string) => {
  const source = `import { createDestination } from ${JSON.stringify(module)}\n${script}`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  return { child, stderr: () => Buffer.concat(errors).toString() }
}

const readAll = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('A line is written soon, though nothing follows it and nobody flushes', async (t) => {
  const { child } = run(
    t,
    `const d = createDestination(1, () => {}); setTimeout(() => d.write('one\\n'), 300); setInterval(() => {}, 1000)`,
  )
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'one\n')
})

for (const [how, end] of [
  ['process.exit', 'process.exit(0)'],
  ['the end of the script', ''],
  ['an uncaught exception', 'throw new Error("bug")'],
] as const) {
  test(`Operations 4.2: lines that are held are not lost on ${how}`, async (t) => {
    const { child } = run(
      t,
      `const d = createDestination(1, () => {}); for (let at = 0; at < 1000; at++) d.write(at + '\\n'); ${end}`,
    )
    const text = await readAll(child.stdout)
    assert.equal(text, Array.from({ length: 1000 }, (_, at) => `${at}\n`).join(''))
  })
}

test('A pipe that does not block loses nothing and waits for its reader', async (t) => {
  // Touching process.stdout makes the pipe non-blocking, so that a full one answers EAGAIN.
  const { child } = run(
    t,
    `process.stdout
     const d = createDestination(1, () => {})
     for (let at = 0; at < 5000; at++) d.write(String(at).padStart(99, '.') + '\\n')
     await d.close()`,
  )
  const text = await readAll(child.stdout)
  assert.equal(text.length, 500_000)
  assert.ok(text.endsWith('4999\n'))
})

test('Attack 2.6 row 20: a reader that stalls costs lines, not memory or the loop, and is told how many', async (t) => {
  const { child, stderr } = run(
    t,
    `const d = createDestination(1, async (lines) => { console.error('lost', lines); await d.close(); process.exit() })
     const line = 'x'.repeat(1023) + '\\n'
     const turn = (left) => {
       const start = performance.now()
       for (let at = 0; at < 1000; at++) d.write(line)
       if (performance.now() - start > 500) console.error('blocked')
       if (left > 0) setImmediate(turn, left - 1)
       else console.error('full')
     }
     turn(40)
     setInterval(() => {}, 1000)`,
  )
  await once(child.stderr, 'data')
  const text = await readAll(child.stdout)
  const told = [...stderr().matchAll(/lost (\d+)/g)]
  const lost = told.reduce((sum, [, lines]) => sum + Number(lines), 0)
  assert.ok(lost > 20_000, stderr())
  assert.equal(text.length / 1024 + lost, 41_000)
  assert.ok(!stderr().includes('blocked'))
})

test('A reader that has gone away ends nothing', async (t) => {
  const { child, stderr } = run(
    t,
    `const d = createDestination(1, () => {})
     const beat = setInterval(() => d.write('x\\n'), 10)
     setTimeout(async () => {
       clearInterval(beat)
       const start = performance.now()
       await d.close()
       console.error(performance.now() - start < 1000 ? 'alive' : 'waited for nobody')
     }, 500)`,
  )
  child.stdout.destroy()
  await once(child, 'exit')
  assert.equal(stderr(), 'alive\n')
})

test('A full disk ends nothing', async (t) => {
  const full = (() => {
    try {
      return openSync('/dev/full', 'w')
    } catch {
      return undefined
    }
  })()
  if (full === undefined) return t.skip('/dev/full does not exist here')
  const { child, stderr } = run(
    t,
    `const d = createDestination('/dev/full', () => {}); d.write('x\\n'); setTimeout(() => { console.error('alive'); process.exit() }, 300)`,
  )
  await once(child, 'exit')
  assert.equal(stderr(), 'alive\n')
})

test('Lines longer than a batch, and batches full to the last octet, come whole and in order', async (t) => {
  const { child } = run(
    t,
    `const d = createDestination(1, () => {})
     const lines = [10, 65_535, 1, 65_536, 200_000, 65_535, 3].map((length) => 'x'.repeat(length - 1) + '\\n')
     for (const line of lines) d.write(line)
     await d.close()`,
  )
  const text = await readAll(child.stdout)
  assert.deepEqual(
    text.split('\n').map((line) => line.length + 1),
    [10, 65_535, 1, 65_536, 200_000, 65_535, 3, 1],
  )
})
