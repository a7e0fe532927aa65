import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../../src/decision/resource.ts'
import { compileRoutes } from '../../src/decision/route-tree.ts'
import { parameterNames, parseRouteKey } from '../../src/decision/template.ts'

const strict = { encodedSlashes: false, parameters: false }

const bad: readonly (readonly [string, RegExp])[] = [
  ['get /x', /write GET/],
  ['GET x', /begins with `\/`/],
  ['x', /begins with `\/`/],
  ['GET', /begins with `\/`/],
  ['', /route key/],
  ['FOO /x', /no such method/],
  ['TRACE /x', /never forwarded/],
  ['CONNECT /x', /never forwarded/],
  ['GET,GET /x', /twice/],
  ['GET, POST /x', /route key/],
  ['GET,,POST /x', /empty method/],
  ['GET /../x', /dot segment/],
  ['GET /a//b', /empty segment/],
  ['GET /a%2fb', /encoded slash/],
  ['GET /a;b', /`;`/],
  ['GET /%61', /unreserved/],
  ['GET /café', /octet/],
  ['GET /x?y', /query/],
  ['GET /x#y', /fragment|query/],
  ['GET /**/x', /at the end only/],
  ['GET /x*', /whole segment/],
  ['GET /{}', /whole segment/],
  ['GET /{a}{b}', /whole segment/],
  ['GET /x{a}', /whole segment/],
  ['GET /{a}/{a}', /twice/],
  ['GET /{__proto__}', /no parameter name/],
  ['GET /:id', /write \{id\}/],
  ['GET /(a+)+$', /regular expression/],
]
for (const [key, fault] of bad) {
  test(`RT-9: the route key ${JSON.stringify(key)} matches nothing, and is refused`, () => {
    const parsed = parseRouteKey(key, strict)
    assert.ok(!parsed.ok)
    assert.match(parsed.fault, fault)
  })
}

test('contract: a route key names methods, a template and its parameters', () => {
  const parsed = parseRouteKey('POST,PUT /accounts/{account}/*/**', strict)
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.value.methods, ['POST', 'PUT'])
  assert.deepEqual(parameterNames(parsed.value.segments), ['account'])
  const everything = parseRouteKey('/x', strict)
  assert.ok(everything.ok)
  assert.equal(everything.value.methods, undefined)
})

const conflicts = (...keys: string[]): string[] => {
  const routes = keys.map((text, index) => {
    const key = parseRouteKey(text, strict)
    if (!key.ok) throw new Error(key.fault)
    const route: Route = { index, key: text, methods: key.value.methods, rule: { kind: 'deny' } }
    return { key: key.value, route }
  })
  return compileRoutes(routes).conflicts.map(({ second, message }) => `${second}: ${message}`)
}

test('RT-8: two templates that cannot be ordered are reported', () => {
  assert.match(conflicts('GET /{a}', 'GET /{b}')[0] ?? '', /^1: cannot be told apart/)
  assert.match(conflicts('GET /{a}', 'POST /{b}')[0] ?? '', /^1: cannot be told apart/)
  assert.match(conflicts('GET /*', 'GET /{b}')[0] ?? '', /cannot be told apart/)
  assert.match(conflicts('GET /{a}/**', 'GET /{b}/**')[0] ?? '', /cannot be told apart/)
})

test('RT-8: one method twice on one template is reported', () => {
  assert.match(conflicts('GET /x', 'POST,GET /x')[0] ?? '', /^1: GET is already answered by `GET \/x`/)
  assert.match(conflicts('/x', 'GET /x')[0] ?? '', /GET is already answered/)
  assert.match(conflicts('GET /x', '/x')[0] ?? '', /GET is already answered/)
  assert.match(conflicts('GET /caf%c3%a9', 'GET /caf%C3%A9')[0] ?? '', /GET is already answered/)
})

test('RT-2: templates that differ in one segment are in order', () => {
  assert.deepEqual(conflicts('GET /a/{x}', 'GET /{y}/b', 'GET /**', 'GET /a/**', 'GET /', 'POST /', 'GET /a/'), [])
})
