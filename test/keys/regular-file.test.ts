import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readRegularFile } from '../../src/keys/regular-file.ts'

const folder = (t: TestContext): string => {
  const made = mkdtempSync(join(tmpdir(), 'audgate-file-'))
  t.after(() => rmSync(made, { recursive: true }))
  return made
}

const read = async (file: string): Promise<string> => {
  const content = await readRegularFile(file)
  return content.ok ? `${content.bytes.length} bytes` : content.fault.replace(`${file}: `, '')
}

test('a regular file of at most 1 MiB is read whole, through a link too', async (t) => {
  const place = folder(t)
  const file = join(place, 'file')
  const link = join(place, 'link')
  symlinkSync(file, link)
  for (const size of [0, 1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024]) {
    const bytes = Buffer.alloc(size, 'abc')
    writeFileSync(file, bytes)
    const content = await readRegularFile(link)
    assert.ok(content.ok && bytes.equals(content.bytes), `${size}`)
  }
  writeFileSync(file, Buffer.alloc(1024 * 1024 + 1))
  assert.equal(await read(file), 'is too large (more than 1 MiB)')
})

test('a file that says it is empty and is not is read', async () => {
  assert.match(await read('/proc/self/status'), /^[1-9]\d* bytes$/)
})

test('what is no regular file is refused and never waited for', async (t) => {
  const place = folder(t)
  const pipe = join(place, 'pipe')
  execFileSync('mkfifo', [pipe])
  mkdirSync(join(place, 'folder'))
  assert.equal(await read(pipe), 'is not a regular file')
  assert.equal(await read('/dev/zero'), 'is not a regular file')
  assert.equal(await read(join(place, 'folder')), 'cannot be read (EISDIR)')
  assert.equal(await read(join(place, 'missing')), 'cannot be read (ENOENT)')
})
