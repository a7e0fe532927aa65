import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

/** One room: what it may import. `types`: only as types. Every room may import itself and `decision/`. */
interface Door {
  readonly rooms?: readonly string[]
  readonly types?: readonly string[]
  readonly packages?: readonly string[]
}

// The architecture: which way the doors open. Whoever changes this table says why in the commit.
const doors: Readonly<Record<string, Door>> = {
  decision: {},
  token: { types: ['keys', 'store'], packages: ['jose', 'lru-cache', 'node:'] },
  keys: { packages: ['jose', 'undici', 'node:'] },
  store: { packages: ['@redis/client', 'lru-cache', 'node:'] },
  upstream: { types: ['token', 'store'], packages: ['undici', 'node:'] },
  observe: { packages: ['pino', 'prom-client', 'node:'] },
  http: { rooms: ['observe'], types: ['token', 'upstream'], packages: ['node:'] },
  config: { packages: ['yaml', 'zod', 'node:'] },
  dev: { packages: ['oidc-provider', 'jose', 'node:'] },
  issuers: { rooms: ['keys', 'token'], types: ['config', 'store'], packages: [] },
  // What one config has that the one before had not.
  certificates: { rooms: ['http'], types: ['config'], packages: ['node:'] },
  'config-changes': { types: ['config'], packages: ['node:'] },
  'restart-only': { types: ['config', 'http'], packages: ['node:'] },
  'issuers-in-use': { rooms: ['issuers', 'token'], types: ['config'], packages: ['node:'] },
  traffic: { types: ['observe'], packages: ['node:'] },
  standing: { rooms: ['token'], types: ['config', 'issuers', 'keys', 'upstream'], packages: ['node:'] },
  // What a config means alike for the server and for `explain`.
  policies: { rooms: ['token'], types: ['config'], packages: ['node:'] },
  'gateway-events': {
    rooms: ['config-changes'],
    types: ['config', 'http', 'issuers', 'keys', 'observe', 'store', 'upstream'],
    packages: [],
  },
  'gateway-status': { rooms: ['config', 'observe'], types: ['generation', 'http'], packages: [] },
  // The composition root in three: what belongs to one config, how one follows the other, and what outlives them all.
  generation: {
    rooms: ['config', 'http', 'observe', 'policies', 'standing', 'token', 'upstream'],
    types: ['issuers', 'issuers-in-use'],
    packages: ['node:'],
  },
  succession: {
    rooms: ['certificates', 'config-changes', 'gateway-events', 'generation', 'issuers-in-use', 'restart-only'],
    types: ['config', 'http', 'keys', 'observe', 'token', 'upstream'],
    packages: [],
  },
  gateway: {
    rooms: [
      'certificates',
      'gateway-events',
      'gateway-status',
      'generation',
      'http',
      'issuers-in-use',
      'keys',
      'observe',
      'store',
      'succession',
      'token',
      'traffic',
      'upstream',
      'version',
    ],
    types: ['config'],
    packages: ['node:'],
  },
  // Knows the files and no gateway: what it loads is for whoever serves, one process or many.
  reload: { rooms: ['config'], types: ['keys', 'observe'], packages: ['node:'] },
  // The supervisor of several gateways in processes of their own is a second composition root: it sees the whole config.
  workers: {
    rooms: ['config', 'gateway', 'gateway-events', 'http', 'keys', 'observe', 'reload', 'version'],
    packages: ['node:'],
  },
  commands: {
    rooms: [
      'workers',
      'config',
      'gateway',
      'http',
      'issuers',
      'keys',
      'observe',
      'policies',
      'reload',
      'store',
      'token',
      'upstream',
      'version',
    ],
    packages: ['node:'],
  },
  main: { rooms: ['commands', 'version'], packages: [] },
  version: {},
}

interface Import {
  readonly from: string
  readonly specifier: string
  readonly typeOnly: boolean
  readonly dynamic: boolean
}

const root = resolve(import.meta.dirname, '../src')

const files = (readdirSync(root, { recursive: true, encoding: 'utf8' }) as string[])
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(root, name))

const importsOf = (file: string): readonly Import[] => {
  const text = readFileSync(file, 'utf8')
  const from = relative(root, file)
  const found: Import[] = []
  for (const [, type, names, specifier = ''] of text.matchAll(
    /^(?:import|export)\s+(type\s)?([^'"`;]*?)\s*from\s+'([^']+)'/gm,
  )) {
    const inline = /^\{([^}]*)\}$/.exec((names ?? '').trim())?.[1]
    const allTypes = inline?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '))
    found.push({ from, specifier, typeOnly: type !== undefined || allTypes === true, dynamic: false })
  }
  for (const [, specifier = ''] of text.matchAll(/^import\s+'([^']+)'/gm))
    found.push({ from, specifier, typeOnly: false, dynamic: false })
  for (const [, specifier = ''] of text.matchAll(/\bimport\(\s*'([^']+)'/g))
    found.push({ from, specifier, typeOnly: false, dynamic: true })
  return found
}

const roomOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : path.replace(/\.ts$/, ''))

const targetOf = ({ from, specifier }: Import): string => relative(root, resolve(root, dirname(from), specifier))

const all = files.flatMap(importsOf)

/** Why an import breaks the table, or undefined. */
const fault = (entry: Import): string | undefined => {
  const door = doors[roomOf(entry.from)]
  if (!door) return 'this room is not in the table'
  if (!entry.specifier.startsWith('.')) {
    // Each room owns its options, and their schema is written in zod (HB-27).
    if (entry.specifier === 'zod' && entry.from.endsWith('/options.ts')) return undefined
    // Who configures no Redis does not load its client.
    if (entry.specifier === '@redis/client' && !(entry.dynamic || entry.typeOnly))
      return 'it is imported when needed only'
    const allowed = door.packages?.some((name) =>
      name === 'node:' ? entry.specifier.startsWith(name) : entry.specifier === name,
    )
    return allowed ? undefined : `${roomOf(entry.from)} may not import ${entry.specifier}`
  }
  const target = targetOf(entry)
  const room = roomOf(target)
  if (room === roomOf(entry.from) || (room === 'decision' && roomOf(entry.from) !== 'main')) return undefined
  if (roomOf(entry.from) === 'config' && target.endsWith('/options.ts')) return undefined
  // The development parts are loaded by `audgate dev` when it runs, and by nothing else.
  if (room === 'dev')
    return entry.from === 'commands/dev.ts' && (entry.dynamic || entry.typeOnly)
      ? undefined
      : 'only commands/dev.ts reaches dev/'
  // One process is enough for most: `node:cluster` and the supervisor are loaded when the config asks for more.
  if (room === 'workers' && !entry.dynamic) return 'workers/ is loaded when needed only'
  if (door.rooms?.includes(room)) return undefined
  if (door.types?.includes(room))
    return entry.typeOnly ? undefined : `${roomOf(entry.from)} may import types of ${room} only`
  return `${roomOf(entry.from)} may not import ${room}`
}

test('every import goes through a door of the table', () => {
  const broken = all.flatMap((entry) => {
    const why = fault(entry)
    return why === undefined ? [] : [`${entry.from} imports ${entry.specifier}: ${why}`]
  })
  assert.deepEqual(broken, [])
})

test('decision/ imports nothing but itself, and neither reads a clock nor does I/O', () => {
  const outside = all.filter(({ from, specifier }) => from.startsWith('decision/') && !specifier.startsWith('./'))
  assert.deepEqual(outside, [])
  for (const file of files.filter((path) => relative(root, path).startsWith('decision/'))) {
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    assert.doesNotMatch(
      code,
      /\bDate\b|performance|process\.|\bfetch\b|\bawait\b|Promise|console|Math\.random|new URL|globalThis/,
      file,
    )
  }
})

test('no identifier meets a URL object: indicators and audiences are strings (RI-2, RI-4)', () => {
  for (const room of ['decision', 'token']) {
    for (const file of files.filter((path) => relative(root, path).startsWith(`${room}/`))) {
      assert.doesNotMatch(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''), /\bURL\b/, file)
    }
  }
})

test('no two files import each other in a circle', () => {
  const edges = new Map<string, string[]>()
  for (const entry of all) {
    if (entry.typeOnly || entry.dynamic || !entry.specifier.startsWith('.')) continue
    edges.set(entry.from, [...(edges.get(entry.from) ?? []), targetOf(entry)])
  }
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), [...path, file].join(' -> '))
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of edges.keys()) visit(file, [])
})

test('a Grant, an Addressed and a PublicPass are made in one place each', () => {
  const makers = (pattern: RegExp) =>
    files.filter((file) => pattern.test(readFileSync(file, 'utf8'))).map((file) => relative(root, file))
  assert.deepEqual(makers(/\bas Grant\b/), ['decision/authorize.ts'])
  assert.deepEqual(makers(/\bas Addressed\b/), ['decision/authorize.ts'])
  assert.deepEqual(makers(/\bas PublicPass\b/), ['decision/decide.ts'])
})

test('no bodies are built from client metadata, and undici is used by its dispatch primitive in the request path', () => {
  for (const file of files.filter((path) => /^(upstream|http)\//.test(relative(root, path)))) {
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /new Blob|new FormData/, file)
    assert.doesNotMatch(
      text,
      /import \{[^}]*\b(request|fetch|stream|pipeline|interceptors|getCookies)\b[^}]*\} from 'undici'/,
      file,
    )
  }
})

test('the request path assigns no function literal to a property: V8 makes it in the old generation, with all it knows', () => {
  const assigned = /[\w\])]\.\w+ (?:\?\?|\|\|)?= (?:async )?(?:function\b|(?:\([^()]*\)|\w+)(?:: [^=]+)? =>)/
  const found = files
    .map((file) => relative(root, file))
    .filter((file) => /^(upstream|http)\//.test(file) && assigned.test(readFileSync(join(root, file), 'utf8')))
  // One for a connection, and one for an answer that comes before the content of its request.
  assert.deepEqual(found.sort(), ['http/tls.ts', 'upstream/keep-content.ts'])
})

test('names that say nothing are not used for files', () => {
  const vague = files
    .map((file) => relative(root, file))
    .filter((file) => /(^|\/)(utils?|helpers?|common|misc|types)(\.ts|\/)/.test(file))
  assert.deepEqual(vague, [])
})
