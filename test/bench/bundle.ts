import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** What Node runs in a measured process: one file each, so that no loader is in the measured start. */
export interface Bundles {
  readonly audgate: string
  /** How Audgate's file came to be. */
  readonly made: string
  readonly floor: string
  readonly upstream: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Audgate's own build where there is a fresh one; else, and for the rest, bundles of today's sources in `folder`. */
export const makeBundles = async (folder: string, given: string | undefined): Promise<Bundles> => {
  const floor = await bundleOf('test/bench/subjects/floor-proxy.ts', folder)
  const upstream = await bundleOf('test/bench/subjects/node-upstream.ts', folder)
  if (given !== undefined) return { audgate: given, made: `the bundle ${given}`, floor, upstream }
  const built = join(root, 'dist/audgate.js')
  if (isFresh(built)) return { audgate: built, made: 'the bundle dist/audgate.js', floor, upstream }
  const audgate = join(folder, 'audgate.mjs')
  await bundle('src/main.ts', audgate)
  return { audgate, made: 'a bundle of src/main.ts, made for this run', floor, upstream }
}

/** Yesterday's build would be measured as if it were today's. */
const isFresh = (built: string): boolean => {
  if (!existsSync(built)) return false
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const { mtimeMs } = statSync(built)
  return sources.every((source) => statSync(join(root, 'src', source)).mtimeMs <= mtimeMs)
}

/** One of the bench's own sources as one file in `folder`. */
export const bundleOf = async (source: string, folder: string): Promise<string> => {
  const file = join(folder, `${basename(source, '.ts')}.mjs`)
  await bundle(source, file)
  return file
}

const bundle = async (source: string, outfile: string): Promise<void> => {
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['oidc-provider'],
    // What is CommonJS among the dependencies asks for Node's own modules this way.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  })
}
