import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { raw } from '../../support/introspection-server.ts'
import { createKey, type Minting, mint, NOW, type TestKey } from '../../support/tokens.ts'
import { goodMembers, startIntrospecting, tokenOf } from './setup.ts'

const key = createKey('ES256', 'es1')
const foreign: TestKey = { ...createKey('ES256', 'es1') }
const typ = 'token-introspection+jwt'
const mediaType = `application/${typ}`

/** A good signed response; claims replace, `undefined` removes. */
const response = (claims: Readonly<Record<string, unknown>> = {}, change: Partial<Minting> = {}): string => {
  const plain = { sub: undefined, client_id: undefined, scope: undefined, exp: undefined, jti: undefined }
  return mint({
    key,
    header: { typ },
    claims: { ...plain, aud: 'gateway', iat: NOW, token_introspection: goodMembers(), ...claims },
    ...change,
  })
}

const start = (t: TestContext) => startIntrospecting(t, { introspection: { response: 'jwt' }, keys: [key] })

test('IN-11: a signed response is asked for by Accept, and its members are read from token_introspection', async (t) => {
  const stage = await start(t)
  stage.server.say(raw(200, response(), `${mediaType}; charset=utf-8`))
  const token = tokenOf(await stage.proof())
  assert.equal(stage.server.calls[0]?.headers.accept, mediaType)
  assert.deepEqual([token.subject, token.client, token.scopes], ['alice', 'cli', ['orders:read', 'orders:write']])
  stage.server.say(raw(200, response({ aud: ['other', 'gateway'], token_introspection: { active: false } }), mediaType))
  assert.equal(await stage.reason('another'), 'token_inactive')
})

const accessToken = mint({ key, claims: { active: true, aud: 'gateway', iat: NOW } })

const refused: readonly (readonly [string, string, string?])[] = [
  ['plain JSON', JSON.stringify(goodMembers()), 'application/json'],
  ['plain JSON under the media type', JSON.stringify(goodMembers())],
  ['a signed response that calls itself JSON', response(), 'application/json'],
  ['a signed response that calls itself any JWT', response(), 'application/jwt'],
  ['an access token replayed as a response', accessToken],
  ['an access token with token_introspection in it', response({}, { header: { typ: 'at+jwt' } })],
  ['a response without typ', response({}, { header: { typ: undefined } })],
  ['a response for another resource server', response({ aud: 'other' })],
  ['a response for several others', response({ aud: ['other', 'gateway2'] })],
  ['a response for nobody', response({ aud: undefined })],
  ['a response from another issuer', response({ iss: 'https://other.test' })],
  ['a response from nobody', response({ iss: undefined })],
  ['a response signed by somebody else', response({}, { key: foreign })],
  ['a response with an unknown kid', response({}, { header: { typ, kid: 'other' } })],
  [
    'a response with alg none',
    `${response({}, { header: { typ, alg: 'none' } })
      .split('.')
      .slice(0, 2)
      .join('.')}.`,
  ],
  ['a response with HMAC', response({}, { header: { typ, alg: 'HS256' } })],
  ['a response with crit', response({}, { header: { typ, crit: ['exp'] } })],
  ['a response without iat', response({ iat: undefined })],
  ['a response with an iat that is no number', response({ iat: String(NOW) })],
  ['a response to come', response({ iat: NOW + 31 })],
  ['a response of ten minutes ago', response({ iat: NOW - 600 })],
  ['a response without token_introspection', response({ token_introspection: undefined, active: true })],
  ['a response with a list of them', response({ token_introspection: [goodMembers()] })],
  ['five parts', 'a.b.c.d.e'],
  ['nothing', ''],
  ['a line end behind the JWT', `${response()}\n`],
]

for (const [name, body, type = mediaType] of refused) {
  test(`IN-11: ${name} is no answer: 503, never active`, async (t) => {
    const stage = await start(t)
    stage.server.say(raw(200, body, type))
    assert.equal(await stage.reason(), 'introspection_unavailable')
    assert.equal(stage.events[0], 'main parse')
  })
}

test('IN-11, JO-1: an algorithm that the issuer is not configured for is refused although it has such a key', async (t) => {
  const other = createKey('ES384', 'es2')
  const stage = await startIntrospecting(t, {
    introspection: { response: 'jwt' },
    token: { algorithms: ['ES256'] },
    keys: [key, other],
  })
  stage.server.say(raw(200, response({}, { key: other }), mediaType))
  assert.equal(await stage.reason(), 'introspection_unavailable')
  assert.match(stage.events[1] ?? '', /algorithm not accepted here$/)
})

test('IN-11: a response with one bit changed anywhere is never active', async (t) => {
  const stage = await start(t)
  const good = response()
  for (let at = 0; at < good.length; at += 7) {
    const twisted = good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1)
    stage.server.say(raw(200, twisted, mediaType))
    assert.equal(await stage.reason(), 'introspection_unavailable', `at ${at}`)
    stage.clock.advance(1_000)
  }
})

test('IN-11: keys that cannot be had are 503, and a key source that throws lets nobody in', async (t) => {
  const stage = await start(t)
  stage.server.say(raw(200, response(), mediaType))
  const { keys } = stage.trusted
  if (!('answer' in keys)) throw new Error('the test is wrong')
  const answer = keys.answer as (resolve: () => never) => void
  answer(() => {
    throw new Error('broken')
  })
  assert.equal(await stage.reason(), 'internal')
})

test('IN-11: members outside token_introspection say nothing of the token', async (t) => {
  const stage = await start(t)
  const inner = goodMembers({ scope: undefined, sub: undefined })
  stage.server.say(raw(200, response({ token_introspection: inner, scope: 'admin', sub: 'root' }), mediaType))
  const token = tokenOf(await stage.proof())
  assert.deepEqual([token.scopes, token.subject], [[], ''])
})
