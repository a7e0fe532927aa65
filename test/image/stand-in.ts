import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { requireProgram } from '../support/programs.ts'
import type { Buildah } from './buildah.ts'

/** What the Dockerfile builds on when nobody says otherwise. */
export const bases = {
  build: 'docker.io/library/node:24-trixie-slim',
  runtime: 'gcr.io/distroless/nodejs24-debian13:nonroot',
} as const

/**
 * Images under the names of the Dockerfile's bases, from this machine's Node (operations 2.4): the one has npm, the other
 * no shell, a user that is not root and Node at its place. What they prove is the Dockerfile; the real layers they do not.
 *
 * @returns their digests, and the npm settings of this machine as a file to be mounted as a secret
 */
export const makeBases = async (t: TestContext, buildah: Buildah): Promise<Bases> => {
  const npm = realpathSync(requireProgram(t, 'npm') ?? '')
  const setting = (key: string): string =>
    execFileSync(process.execPath, [npm, 'config', 'get', key], { encoding: 'utf8' }).trim()

  const build = join(buildah.folder, 'build')
  copyProgram(process.execPath, build, '/usr/local/bin/node')
  copyProgram('/usr/bin/env', build, '/usr/bin/env')
  cpSync(dirname(dirname(npm)), join(build, 'usr/local/lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(build, 'usr/local/bin/npm'))
  mkdirSync(join(build, 'tmp'))
  const authorities = [setting('cafile'), process.env.NODE_EXTRA_CA_CERTS ?? ''].filter((file) => existsSync(file))
  for (const file of authorities) cpSync(file, join(build, file), { recursive: true, dereference: true })
  const buildDigest = await commit(buildah, build, bases.build, ['--env', 'PATH=/usr/local/bin:/usr/bin:/bin'])

  const runtime = join(buildah.folder, 'runtime')
  copyProgram(process.execPath, runtime, '/nodejs/bin/node')
  for (const path of ['etc', 'home/nonroot', 'tmp']) mkdirSync(join(runtime, path), { recursive: true })
  writeFileSync(join(runtime, 'etc/passwd'), 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n')
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const config = ['--user', '65532', '--workingdir', '/home/nonroot', '--env', path]
  const runtimeDigest = await commit(buildah, runtime, bases.runtime, [
    ...config,
    '--entrypoint',
    '["/nodejs/bin/node"]',
  ])

  const settings = join(buildah.folder, 'npmrc')
  const cafile = authorities[0] === undefined ? '' : `cafile=${authorities[0]}\n`
  writeFileSync(settings, `registry=${setting('registry')}\n${cafile}`)
  return { npmrc: settings, buildDigest, runtimeDigest }
}

export interface Bases {
  readonly npmrc: string
  readonly buildDigest: string
  readonly runtimeDigest: string
}

const commit = async (buildah: Buildah, root: string, name: string, config: readonly string[]): Promise<string> => {
  const container = await buildah.call('from', 'scratch')
  await buildah.call('add', container, root, '/')
  await buildah.call('config', ...config, container)
  await buildah.call('commit', '--quiet', container, name)
  await buildah.call('rm', container)
  return await buildah.call('inspect', '--type', 'image', '--format', '{{.FromImageDigest}}', name)
}

/** A program and the libraries that it is linked to. */
const copyProgram = (program: string, root: string, place: string): void => {
  const libraries = execFileSync('ldd', [realpathSync(program)], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  for (const [from, to] of [[program, place], ...libraries.map((file) => [file, file] as const)] as const) {
    if (from.endsWith(':')) continue
    mkdirSync(join(root, dirname(to)), { recursive: true })
    cpSync(realpathSync(from), join(root, to))
  }
}
