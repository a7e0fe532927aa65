import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileResources, match } from '../../src/decision/match.ts'
import type { Resources } from '../../src/decision/resource.ts'
import { assertInProportion, costRatio } from '../support/cost-ratio.ts'
import { policy } from '../support/policy.ts'

const where = (resources: Resources, host: string, path: string, method = 'GET'): string => {
  const found = match(resources, host, path, method)
  switch (found.kind) {
    case 'route':
      return `${found.match.resource.name} ${found.match.route.key} ${found.match.suffix}`
    case 'method_not_allowed':
      return `405 ${found.allow.join(',')}`
    case 'route_unknown':
      return `404 ${found.resource?.name ?? '-'}`
    case 'host_unknown':
      return '421'
  }
}

const prefixes: readonly (readonly [string, string, boolean])[] = [
  ['/api/v1', '/api/v1', true],
  ['/api/v1', '/api/v1/', true],
  ['/api/v1', '/api/v1/x', true],
  ['/api/v1', '/api/v10', false],
  ['/api/v1', '/api/v1admin', false],
  ['/api/v1', '/api/v', false],
  ['/api/v1', '/api', false],
  ['/api/v1', '/API/v1', false],
  ['/api/v1', '/x/api/v1', false],
  ['/api/', '/api', false],
  ['/api/', '/api/', true],
  ['/api/', '/api/x', true],
  ['/', '/', true],
  ['/', '/anything/at/all', true],
]
for (const [prefix, path, covered] of prefixes) {
  test(`RT-3, RT-4: the prefix ${prefix} ${covered ? 'covers' : 'does not cover'} ${path}`, () => {
    const resources = policy({ indicator: `https://h.test${prefix}`, name: 'r' })
    assert.equal(where(resources, 'h.test', path).startsWith('r '), covered)
  })
}

test('RT-2: the longest prefix wins, in whatever order the file names them', () => {
  const entries = ['', '/a', '/a/b', '/a/b/c', '/a/', '/ab'].map((path) => ({
    indicator: `https://h.test${path}`,
    name: `at${path}`,
  }))
  const expected = {
    '/': 'at',
    '/a': 'at/a',
    '/a/': 'at/a/',
    '/a/x': 'at/a/',
    '/a/b': 'at/a/b',
    '/a/b/c/d': 'at/a/b/c',
    '/ab/c': 'at/ab',
  }
  for (let turn = 0; turn < 100; turn++) {
    const shuffled = entries.map((entry) => ({ entry, key: Math.random() })).sort((a, b) => a.key - b.key)
    const resources = policy(...shuffled.map(({ entry }) => entry))
    for (const [path, name] of Object.entries(expected)) {
      assert.equal(where(resources, 'h.test', path).split(' ')[0], name, path)
    }
  }
})

test('RT-1: a host is found on its own; no entry for it is 421, no path 404', () => {
  const resources = policy({ indicator: 'https://a.test/x', name: 'a' }, { indicator: 'https://b.test/y', name: 'b' })
  assert.equal(where(resources, 'a.test', '/x/1'), 'a _default /1')
  assert.equal(where(resources, 'a.test', '/y'), '404 -')
  assert.equal(where(resources, 'c.test', '/x'), '421')
})

test('contract: entries for the host come before any-host ones, each by the longest path', () => {
  const resources = policy(
    { indicator: 'https://a.test/', name: 'named' },
    { indicator: 'urn:any', at: '/deep/path', name: 'any' },
  )
  assert.equal(where(resources, 'a.test', '/deep/path/x'), 'named _default /deep/path/x')
  assert.equal(where(resources, 'other.test', '/deep/path/x'), 'any _default /x')
  assert.equal(where(resources, 'other.test', '/x'), '404 -')
})

test('contract: an any-host entry takes over where the named host has no path', () => {
  const resources = policy(
    { indicator: 'https://a.test/x', name: 'named' },
    { indicator: 'urn:any', at: '/y', name: 'any' },
  )
  assert.equal(where(resources, 'a.test', '/y/1'), 'any _default /1')
})

test('UR-12: a place holds its octets in either case of their hex digits', () => {
  const resources = policy({ indicator: 'https://a.test/caf%C3%A9', name: 'r' })
  assert.equal(where(resources, 'a.test', '/caf%c3%a9/1'), 'r _default /1')
})

test('RT-8: two resources at one place collide, whatever their scheme and port', () => {
  const one = policy({ indicator: 'https://a.test:8443/x' }).all
  const other = policy({ indicator: 'http://A.test/x' }).all.map((resource) => ({ ...resource, index: 1 }))
  assert.deepEqual(compileResources([...one, ...other]).collisions, [{ first: 0, second: 1 }])
})

const routed = policy({
  indicator: 'https://h.test/api',
  name: 'r',
  routes: {
    'GET /': 'read',
    'GET /{id}': 'read',
    'POST,PUT /{id}': 'write',
    'GET /health': 'public',
    'GET /a/{x}/c': 'read',
    'GET /{y}/b/d': 'read',
    'GET /caf%C3%A9': 'read',
    '/any': 'read',
    'GET /files/**': 'read',
    'GET /files/secret': 'admin',
    'GET /star/*/end': 'read',
    'GET /slash/': 'read',
  },
})
const routes: readonly (readonly [string, string, string])[] = [
  ['GET', '/api', 'r GET / '],
  ['GET', '/api/', 'r GET / /'],
  ['HEAD', '/api/', 'r GET / /'],
  ['GET', '/api/42', 'r GET /{id} /42'],
  ['PUT', '/api/42', 'r POST,PUT /{id} /42'],
  ['DELETE', '/api/42', '405 GET,POST,PUT,HEAD'],
  ['QUERY', '/api/42', '405 GET,POST,PUT,HEAD'],
  ['OPTIONS', '/api/42', '405 GET,POST,PUT,HEAD'],
  ['TRACE', '/api/42', '405 GET,POST,PUT,HEAD'],
  ['POST', '/api/health', '405 GET,HEAD'],
  ['GET', '/api/healthX', 'r GET /{id} /healthX'],
  ['GET', '/api/42/', '404 r'],
  ['GET', '/api/a/1/c', 'r GET /a/{x}/c /a/1/c'],
  ['GET', '/api/a/b/d', 'r GET /{y}/b/d /a/b/d'],
  ['GET', '/api/a/b/c', 'r GET /a/{x}/c /a/b/c'],
  ['GET', '/api/caf%c3%a9', 'r GET /caf%C3%A9 /caf%c3%a9'],
  ['PURGE', '/api/any', 'r /any /any'],
  ['TRACE', '/api/any', '405 GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS'],
  ['GET', '/api/files', 'r GET /files/** /files'],
  ['GET', '/api/files/', 'r GET /files/** /files/'],
  ['GET', '/api/files/a/b', 'r GET /files/** /files/a/b'],
  ['GET', '/api/files/secret', 'r GET /files/secret /files/secret'],
  ['POST', '/api/files/secret', '405 GET,HEAD'],
  ['GET', '/api/star/x/end', 'r GET /star/*/end /star/x/end'],
  ['GET', '/api/star//end', '404 r'],
  ['GET', '/api/slash/', 'r GET /slash/ /slash/'],
  ['GET', '/api/slash', 'r GET /{id} /slash'],
]
for (const [method, path, expected] of routes) {
  test(`RT-9, RT-11: ${method} ${path} is ${expected}`, () =>
    assert.equal(where(routed, 'h.test', path, method), expected))
}

test('UR-10: with `parameters: pass`, a rule on a name catches the name with parameters', () => {
  const resources = policy({
    indicator: 'https://h.test',
    name: 'r',
    paths: { parameters: true },
    routes: { 'GET /admin': 'admin', 'GET /**': 'read' },
  })
  assert.equal(where(resources, 'h.test', '/admin;x=1'), 'r GET /admin /admin;x=1')
})

test('UR-15: a parameter is the decoded segment, in a Map that no name can poison', () => {
  const resources = policy({ indicator: 'https://h.test', routes: { 'GET /{account}/{constructor}': 'read' } })
  const found = match(resources, 'h.test', '/a%20b/__proto__', 'GET')
  assert.ok(found.kind === 'route')
  assert.deepEqual(
    [...(found.match.parameters ?? [])],
    [
      ['account', 'a b'],
      ['constructor', '__proto__'],
    ],
  )
})

test('RT-7, HS-7: `OPTIONS *` is for no resource, and TRACE for none either', () => {
  const resources = policy({ indicator: 'https://h.test', name: 'r' })
  assert.equal(where(resources, 'h.test', '*', 'OPTIONS'), '404 -')
  assert.equal(where(resources, 'h.test', '/', 'TRACE'), '405 GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS')
})

test('attacks 2.3 row 9: a path costs no more than its length against 1,000 routes, and those cost it nothing', () => {
  const withRoutes = (count: number) => {
    const entries = Object.fromEntries(Array.from({ length: count }, (_, i) => [`GET /{a}/{b}/x${i}/**`, 'read']))
    const routes = { ...entries, 'GET /{a}/{b}/{c}/{d}/end': 'read' }
    return policy({ indicator: 'https://h.test', name: 'r', routes })
  }
  const resources = withRoutes(1000)
  assertInProportion('segments', 16_384, (segments) => {
    const path = '/a'.repeat(segments)
    return () => match(resources, 'h.test', path, 'GET')
  })
  const path = '/a'.repeat(4)
  const against = (count: number) => {
    const many = withRoutes(count)
    return () => match(many, 'h.test', path, 'GET')
  }
  assert.ok(costRatio(against(1024), against(16), 3) <= 3)
})

test('RT-4: below a prefix that ends in a slash the suffix begins with it', () => {
  const resources = policy({ indicator: 'https://h.test/dir/', name: 'dir', routes: { 'GET /{id}': 'read' } })
  assert.equal(where(resources, 'h.test', '/dir/42'), 'dir GET /{id} /42')
})

for (const [literal, spelled] of [
  ['items:purge', 'items%3Apurge'],
  ['items:purge', 'items%3apurge'],
  ['@all', '%40all'],
  ["!$&'()*+,=x", '%21%24%26%27%28%29%2A%2B%2C%3Dx'],
] as const) {
  test(`UR-12, UR-22: the rule on ${literal} catches ${spelled}, which is forwarded as it is`, () => {
    const key = `GET /${literal.replace('*', '%2A')}`
    const resources = policy({
      indicator: 'https://h.test',
      name: 'r',
      routes: { [key]: 'deny', 'GET /{any}': 'read' },
    })
    assert.equal(where(resources, 'h.test', `/${spelled}`), `r ${key} /${spelled}`)
  })
}

test('UR-10: `%3B` is a parameter to an upstream that decodes first: the rule on the name catches it', () => {
  const resources = policy({
    indicator: 'https://h.test',
    name: 'r',
    paths: { parameters: true },
    routes: { 'GET /admin': 'admin', 'GET /**': 'read' },
  })
  assert.equal(where(resources, 'h.test', '/admin%3Bx'), 'r GET /admin /admin%3Bx')
})
