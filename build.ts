import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

/**
 * `node build.ts [FOLDER]`: what the image holds, in `dist` or that folder. One file of code with its source map, the
 * licences of all that is in it, and `audgate`, which is how the image starts it.
 */
const folder = resolve(process.argv[2] ?? 'dist')
const root = import.meta.dirname

/** Reads as this text instead of what is in the file. */
const replaced = (name: string, filter: RegExp, contents: string): Plugin => ({
  name,
  setup: ({ onLoad }) => onLoad({ filter }, ({ path }) => ({ contents, loader: 'js', resolveDir: join(path, '..') })),
})

// Error messages in fifty languages, of which none is shown: 300 KB to read at every start.
const oneLanguage = replaced(
  'one language',
  /\/zod\/v4\/locales\/index\.js$/,
  "export { default as en } from './en.js'",
)

// pino asks who calls it, for transports, which are not used. With source maps on, Node reads the whole map for the
// answer: 60 MB of memory and 100 ms at every start.
const noCaller = replaced('no caller', /\/pino\/lib\/caller\.js$/, 'module.exports = () => []')

// The source map is for our own code: a fifth of the size, and of the memory that the first logged stack takes. What is
// mapped to nothing falls out, and names are kept, so that a stack is readable in the packages too.
const unmapped = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(
  '{"version":3,"sources":[""],"mappings":"AAAA"}',
).toString('base64')}`
const ownMap: Plugin = {
  name: 'own map',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/gm, '')
      const contents = path.endsWith('/undici/lib/core/request.js') ? shortLived(text) : text
      return { contents: `${contents}\n${unmapped}`, loader: 'js' }
    }),
}

// V8 makes a function that is assigned to a property in the old generation. This one knows its request, and would keep
// it in memory until the next full collection: a third of what a request with content costs (undici 8.12.4).
const shortLived = (text: string): string => {
  const made = text.replace('this.errorHandler = err => {', 'const errorHandler = err => {')
  const edited = made.replace(
    "this.body.on('error', this.errorHandler)",
    "this.errorHandler = errorHandler\n      this.body.on('error', errorHandler)",
  )
  if (made === text || edited === made) throw new Error('undici is another one: is this edit still needed?')
  return edited
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outfile: join(folder, 'audgate.js'),
  bundle: true,
  platform: 'node',
  // ESM, so that top-level await works; some dependencies are CommonJS and call `require`.
  format: 'esm',
  target: 'node24',
  // What is read at every start. Names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  // THIRD_PARTY has them whole.
  legalComments: 'none',
  // Only `audgate dev` needs it, and that runs from a checkout.
  external: ['oidc-provider'],
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'\nconst require = createBundleRequire(import.meta.url)",
  },
  plugins: [oneLanguage, noCaller, ownMap],
  metafile: true,
})

interface Package {
  readonly name: string
  readonly version: string
  readonly license: string
}

const readPackage = (directory: string): Package => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))

/** Of packages under the MIT licence that bring no file with it: the notice in their repository. */
const notBrought: Readonly<Record<string, string>> = { '@redis/client': 'Copyright (c) 2022-2025, Redis, inc.' }

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

/** Name, version, licence and its text of a package; ends the build where there is no text to pass on. */
const noticeOf = (directory: string): string => {
  const { name, version, license } = readPackage(directory)
  const files = readdirSync(directory).filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i.test(file))
  const texts = files.map((file) => readFileSync(join(directory, file), 'utf8').trim())
  const holder = notBrought[name]
  if (texts.length === 0 && license === 'MIT' && holder !== undefined) texts.push(`MIT License\n\n${holder}\n\n${mit}`)
  if (texts.length === 0) throw new Error(`${name}@${version} brings no licence text`)
  return `${name} ${version}\nLicence: ${license}\n\n${texts.join('\n\n')}\n`
}

/** Where the packages are of which something is in the bundle. */
const bundled = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []),
)

const own = readPackage(root)
const rule = `\n${'-'.repeat(80)}\n\n`
const notices = [...bundled].toSorted().map((directory) => noticeOf(join(root, directory)))
const preface = `audgate.js of Audgate ${own.version} holds code of these packages, each under its own licence.\n`
writeFileSync(join(folder, 'THIRD_PARTY'), [preface, ...notices].join(rule))
writeFileSync(join(folder, 'LICENSE'), readFileSync(join(root, 'LICENSE')))

// Without `type` Node would parse the file twice: as CommonJS first.
const { name, version, license } = own
writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, license, type: 'module' })}\n`)

// `#!` passes one argument only, so the other flag is set from within, before the file is loaded that it is about. The
// heap takes 60 % of the container's memory; the rest is for buffers, TLS and threads (OP-5).
const launcher = `#!/nodejs/bin/node --max-old-space-size-percentage=60
process.setSourceMapsEnabled(true)
import('/app/audgate.js')
`
writeFileSync(join(folder, 'audgate'), launcher, { mode: 0o755 })
