import { execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { requireProgram } from '../support/programs.ts'

const execute = promisify(execFile)

/** buildah with a storage of its own, gone with the test. */
export interface Buildah {
  /** An empty folder on the same disk. */
  readonly folder: string
  /** Rejects with what the program said when it fails. */
  call(...args: readonly string[]): Promise<string>
  /** Starts it beside the test; whoever starts it ends it. */
  start(args: readonly string[]): ReturnType<typeof spawn>
}

/**
 * undefined: this machine cannot build an image, and the test is skipped with the reason; under
 * `AUDGATE_TEST_REQUIRE_ALL=1` it fails. Nothing is pulled: there is no registry, and no daemon.
 */
export const requireBuildah = (t: TestContext): Buildah | undefined => {
  const program = requireProgram(t, 'buildah')
  if (program === undefined) return undefined
  if (process.getuid?.() !== 0) {
    const why = 'buildah works without a daemon for root only'
    if (process.env.AUDGATE_TEST_REQUIRE_ALL === '1') throw new Error(why)
    t.skip(why)
    return undefined
  }
  const home = mkdtempSync(join(tmpdir(), 'audgate-image-'))
  const folder = join(home, 'files')
  const temporary = join(home, 'tmp')
  for (const path of [folder, temporary]) mkdirSync(path)
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot', TMPDIR: temporary }
  const storage = ['--storage-driver', 'vfs', '--root', join(home, 'root'), '--runroot', join(home, 'run')]
  const options: SpawnOptions = { env, stdio: ['ignore', 'pipe', 'pipe'] }
  t.after(() => {
    // The storage mounts itself onto itself, and mounted containers inside.
    for (const mounted of mountsBelow(home)) execFileSync('umount', [mounted])
    rmSync(home, { recursive: true, force: true })
  })
  return {
    folder,
    call: async (...args) => {
      const { stdout } = await execute(program, [...storage, ...args], {
        env,
        timeout: 240_000,
        maxBuffer: 16 * 1024 * 1024,
      })
      return stdout.trim()
    },
    start: (args) => spawn(program, [...storage, ...args], options),
  }
}

/** Innermost first. */
const mountsBelow = (folder: string): readonly string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${folder}/`))
    .toReversed()
