import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import {
  drip,
  endless,
  type IntrospectionCall,
  type IntrospectionReply,
  raw,
  reset,
  silence,
} from '../../support/introspection-server.ts'
import { AUDIENCE, ISSUER, NOW } from '../../support/tokens.ts'
import { goodMembers, type Introspecting, secretFile, startIntrospecting, tokenOf } from './setup.ts'

test('IN-1: the token goes to the endpoint by POST in a form, with a hint, and never into the URL', async (t) => {
  const stage = await startIntrospecting(t)
  stage.server.say(goodMembers())
  assert.equal(await stage.reason('a.token+with/chars='), 'none')
  const [call] = stage.server.calls
  assert.equal(call?.method, 'POST')
  assert.equal(call?.path, '/introspect')
  assert.equal(call?.headers['content-type'], 'application/x-www-form-urlencoded')
  assert.equal(call?.headers.accept, 'application/json')
  assert.deepEqual(
    [...(call?.form ?? [])],
    [
      ['token', 'a.token+with/chars='],
      ['token_type_hint', 'access_token'],
    ],
  )
  assert.deepEqual(stage.events, ['main active'])
})

test('IN-4: what is proven are the members of the answer', async (t) => {
  const stage = await startIntrospecting(t)
  stage.server.say(goodMembers({ acr: 'gold', auth_time: NOW - 5, authorization_details: [{ type: 'payment' }] }))
  const token = tokenOf(await stage.proof())
  assert.deepEqual(
    [token.issuer, token.iss, token.audience, token.scopes, token.subject, token.client, token.expiresAt],
    ['main', ISSUER, [AUDIENCE], ['orders:read', 'orders:write'], 'alice', 'cli', NOW + 3600],
  )
  assert.deepEqual([token.acr, token.authTime, token.authorizationDetails[0]?.type], ['gold', NOW - 5, 'payment'])
})

test('IN-4: only `true` itself is active', async (t) => {
  const stage = await startIntrospecting(t)
  for (const active of ['true', 1, 'yes', {}, [true], null, false, undefined]) {
    stage.server.say(goodMembers({ active }))
    assert.equal(await stage.reason(`token-${JSON.stringify(active)}`), 'token_inactive')
  }
})

const failures = [
  ['a 302', raw(302, '', '', { location: '/elsewhere' }), 'http'],
  ['a 307 to a place that would say yes', raw(307, '', '', { location: '/yes' }), 'http'],
  ['a 204', raw(204), 'http'],
  ['a 400', raw(400, '{"error":"invalid_request"}'), 'http'],
  ['a 404', raw(404, '{"active":true}'), 'http'],
  ['a 429', raw(429, '{"active":true}'), 'http'],
  ['a 500 with an active token in it', raw(500, '{"active":true}'), 'http'],
  ['HTML', raw(200, '<html>', 'text/html'), 'parse'],
  ['JSON that calls itself text', raw(200, '{"active":true}', 'text/plain'), 'parse'],
  ['JSON without a type', raw(200, '{"active":true}', ''), 'parse'],
  ['half a document', raw(200, '{"active":true'), 'parse'],
  ['an empty body', raw(200, ''), 'parse'],
  ['a list', raw(200, '[{"active":true}]'), 'parse'],
  ['true', raw(200, 'true'), 'parse'],
  ['null', raw(200, 'null'), 'parse'],
  ['a member that is named twice', raw(200, '{"active":false,"active":true}'), 'parse'],
  ['100,000 levels', raw(200, `{"active":true,"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), 'parse'],
  ['bytes that are no UTF-8', raw(200, Buffer.from('{"active":true,"a":"\xff"}', 'latin1')), 'parse'],
  ['a body without end', endless, 'too_large'],
  ['no answer', silence, 'timeout'],
  ['a body that stops half-way', drip, 'timeout'],
  ['a broken connection', reset, 'connect'],
] as const

for (const [name, reply, result] of failures) {
  test(`IN-4, IN-9: ${name} is the fault of the server: 503, and neither inactive nor active afterwards`, async (t) => {
    const stage = await startIntrospecting(t, { timeoutMs: result === 'timeout' ? 100 : 2_000 })
    stage.server.say(reply)
    const outcome = await stage.introspector.introspect('opaque-1', NOW)
    assert.equal(!outcome.ok && outcome.refusal.reason, 'introspection_unavailable')
    assert.equal(!outcome.ok && 'retryAfterSeconds' in outcome.refusal && outcome.refusal.retryAfterSeconds, 1)
    assert.equal(stage.events[0], `main ${result}`)
    assert.match(stage.events[1] ?? '', /^main warned: http/)
    assert.ok(stage.server.calls.every(({ path }) => path === '/introspect'))
    assert.equal(stage.store.entries.size, 0)
    stage.server.say(goodMembers())
    assert.equal(await stage.reason(), 'none')
  })
}

test('IN-9: nobody listens: 503', async (t) => {
  const stage = await startIntrospecting(t)
  await stage.server.close()
  assert.equal(await stage.reason(), 'introspection_unavailable')
  assert.deepEqual(stage.events, ['main connect', `main warned: ${stage.server.url}: failed with ECONNREFUSED`])
})

test('IN-9: an endpoint that is not found is 503, says where it was looked for, and costs no longer than the timeout', async (t) => {
  const lost = await startIntrospecting(t, {
    locate: async () => ({ ok: false, result: 'http', message: 'there: 404' }),
  })
  assert.equal(await lost.reason(), 'introspection_unavailable')
  assert.deepEqual(lost.events, ['main http', 'main warned: there: 404'])
  const slow = await startIntrospecting(t, { timeoutMs: 50, locate: () => new Promise(() => undefined) })
  assert.equal(await slow.reason(), 'introspection_unavailable')
  assert.equal(slow.events[0], 'main timeout')
})

for (const [name, reply] of [
  ['a 401', raw(401, '{"error":"invalid_client"}')],
  ['a 401 without content', raw(401, '', '')],
  ['a 403 invalid_client', raw(403, '{"error":"invalid_client"}')],
  ['a 403 unauthorized_client', raw(403, '{"error":"unauthorized_client"}')],
  ['a 400 invalid_client', raw(400, '{"error":"invalid_client"}')],
  ['a 400 unauthorized_client', raw(400, '{"error":"unauthorized_client"}')],
] as const) {
  test(`IN-8: ${name} means our own credentials: 500, told to the operator, and nothing to the client`, async (t) => {
    const stage = await startIntrospecting(t)
    stage.server.say(reply)
    const outcome = await stage.introspector.introspect('opaque-1', NOW)
    const refusal = outcome.ok ? undefined : outcome.refusal
    assert.match(refusal?.reason === 'internal' ? (refusal.fault ?? '') : '', /our own credentials are refused$/)
    assert.deepEqual(stage.events[0], 'main credentials')
    assert.match(stage.events[1] ?? '', /^main credentials: .*our own credentials are refused$/)
    assert.equal(await stage.reason(), 'internal')
    assert.equal(stage.server.calls.length, 2)
    assert.equal(stage.events.filter((event) => event.startsWith('main credentials:')).length, 1)
    stage.server.say(goodMembers())
    assert.equal(await stage.reason(), 'none')
  })
}

test('IN-8: a credential that cannot be read is 500 and asks nobody; once it is there it counts within a second', async (t) => {
  const file = secretFile(t, '\n')
  const stage = await startIntrospecting(t, { introspection: { credentialFile: file } })
  stage.server.say(goodMembers())
  assert.equal(await stage.reason(), 'internal')
  assert.deepEqual(stage.events, ['main credentials', `main credentials: ${file}: is empty`])
  assert.equal(stage.server.calls.length, 0)
  writeFileSync(file, 'later')
  stage.clock.advance(1000)
  assert.equal(await stage.reason(), 'none')
  const missing = await startIntrospecting(t, { introspection: { credentialFile: `${file}.not` } })
  assert.equal(await missing.reason(), 'internal')
  assert.match(missing.events[1] ?? '', /cannot be read \(ENOENT\)$/)
})

test('IN-10: a hundred requests with one token are one call, and a second token is another', async (t) => {
  const stage = await startIntrospecting(t)
  stage.server.say(goodMembers())
  const reasons = await Promise.all(Array.from({ length: 100 }, () => stage.reason('opaque-1')))
  assert.deepEqual(new Set(reasons), new Set(['none']))
  assert.equal(stage.server.calls.length, 1)
  await stage.reason('opaque-2')
  assert.deepEqual(stage.server.tokens(), ['opaque-1', 'opaque-2'])
})

/** Holds calls back until they are released, and tells when so many wait. */
const holding = (stage: Introspecting, awaited: number, answer: (token: string) => IntrospectionReply) => {
  let most = 0
  let under = 0
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  let arrived = (): void => undefined
  const full = new Promise<void>((resolve) => {
    arrived = resolve
  })
  stage.server.say(async ({ form }: IntrospectionCall) => {
    most = Math.max(most, ++under)
    if (under === awaited) arrived()
    await gate
    under--
    return answer(form.get('token') ?? '')
  })
  return { full, release: () => release(), most: () => most }
}

const flood = (stage: Introspecting, count: number, name: string): readonly Promise<string>[] =>
  Array.from({ length: count }, (_, index) => stage.reason(`${name}-${index}`))

const tally = (words: readonly string[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

test('IN-10: a burst of 150 good tokens: 64 calls at a time, and none of them is refused', async (t) => {
  const stage = await startIntrospecting(t)
  const held = holding(stage, 64, () => goodMembers())
  const burst = flood(stage, 150, 'good')
  await held.full
  held.release()
  assert.deepEqual(tally(await Promise.all(burst)), { none: 150 })
  assert.deepEqual([held.most(), stage.server.calls.length], [64, 150])
})

test('IN-10: a flood of random strings is bounded: 64 calls at a time, 1,024 that wait, the rest is 503', async (t) => {
  const stage = await startIntrospecting(t, { timeoutMs: 20_000 })
  const held = holding(stage, 64, () => ({ active: false }))
  const random = flood(stage, 64 + 1024 + 100, 'random')
  await held.full
  assert.equal(tally(stage.events)['main busy'], 100)
  held.release()
  assert.deepEqual(tally(await Promise.all(random)), { token_inactive: 1088, introspection_unavailable: 100 })
  assert.equal(held.most(), 64)
  assert.equal(await stage.reason('afterwards'), 'token_inactive')
})

test('IN-10: who waits does so for half of the timeout at most', async (t) => {
  const stage = await startIntrospecting(t, { timeoutMs: 2_000 })
  const held = holding(stage, 64, () => ({ active: false }))
  const first = flood(stage, 64, 'first')
  await held.full
  assert.equal(await stage.reason('late'), 'introspection_unavailable')
  assert.deepEqual(stage.events, ['main busy'])
  held.release()
  assert.deepEqual(tally(await Promise.all(first)), { token_inactive: 64 })
})

test('IN-9: calls that had to wait and ran out of time do not pass for an outage', async (t) => {
  const stage = await startIntrospecting(t, { timeoutMs: 1_500 })
  const held = holding(stage, 64, (token) => (token.startsWith('first') ? { active: false } : silence))
  const first = flood(stage, 64, 'first')
  await held.full
  const second = flood(stage, 10, 'second')
  // On their way to the queue they wait for nothing but promises that are settled.
  await new Promise((resolve) => setImmediate(resolve))
  held.release()
  assert.deepEqual(tally(await Promise.all(first)), { token_inactive: 64 })
  assert.deepEqual(tally(await Promise.all(second)), { introspection_unavailable: 10 })
  assert.equal(tally(stage.events)['main timeout'], 10)
  stage.server.say(goodMembers())
  assert.equal(await stage.reason('good'), 'none')
})

for (const [name, reply] of [
  ['400 invalid_request', raw(400, '{"error":"invalid_request"}')],
  ['403 of a firewall', raw(403, 'blocked', 'text/html')],
  ['403 with an OAuth error of another kind', raw(403, '{"error":"access_denied"}')],
  ['404', raw(404)],
  ['413', raw(413)],
] as const) {
  test(`IN-8, IN-9: a ${name} is about one token: 503 for that one, no alarm, and the others are asked about`, async (t) => {
    const stage = await startIntrospecting(t)
    const isBad = (token: string): boolean => token.startsWith('bad')
    stage.server.say(({ form }: IntrospectionCall) => (isBad(form.get('token') ?? '') ? reply : goodMembers()))
    for (let count = 0; count < 10; count++) {
      assert.equal(await stage.reason(`bad-${count}`), 'introspection_unavailable')
      if (count % 2 === 0) assert.equal(await stage.reason(`good-${count}`), 'none')
    }
    for (const token of flood(stage, 10, 'bad-again')) await token
    assert.equal(await stage.reason('good'), 'none')
    const told = () => stage.events.filter((event) => event.includes(': '))
    assert.equal(told().length, 1)
    assert.match(told()[0] ?? '', /^main warned: http:\S+: answered 4\d\d$/)
    stage.clock.advance(59_999)
    await stage.reason('bad-later')
    assert.equal(told().length, 1)
    stage.clock.advance(1)
    await stage.reason('bad-at-last')
    assert.equal(told().length, 2)
  })
}

test('IN-9: an answer about one token ends a row of failures, and does not end what is told of them', async (t) => {
  const stage = await startIntrospecting(t)
  for (let count = 0; count < 9; count++) {
    stage.server.say(count % 2 === 0 ? raw(500) : raw(404))
    await stage.reason(`t${count}`)
  }
  assert.equal(stage.server.calls.length, 9)
  assert.equal(stage.events.filter((event) => event.includes('warned')).length, 2)
})

test('IN-3: a connection that broke is no failure: the question is put once more, with credentials of its own', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const signing = await startIntrospecting(t, { secret, introspection: { auth: 'private_key_jwt' } })
  const breakFirst = (stage: Introspecting) =>
    stage.server.say(() => (stage.server.calls.length === 1 ? reset : goodMembers()))
  breakFirst(signing)
  assert.equal(await signing.reason(), 'none')
  const [first, second] = signing.server.calls.map(({ form }) => decodeJwt(form.get('client_assertion') ?? '').jti)
  assert.ok(first !== undefined && second !== undefined && first !== second)
  const basic = await startIntrospecting(t)
  breakFirst(basic)
  assert.equal(await basic.reason(), 'none')
  assert.deepEqual([basic.server.calls.length, basic.events], [2, ['main active']])
  basic.server.say(reset)
  assert.equal(await basic.reason('other'), 'introspection_unavailable')
  assert.equal(basic.server.calls.length, 4)
})

for (const [name, members, reason] of [
  ['is expired', { exp: NOW - 60 }, 'token_expired'],
  ['is a refresh token', { token_type: 'refresh_token' }, 'token_type_wrong'],
  ['is of another issuer', { iss: 'https://other.test' }, 'issuer_untrusted'],
] as const) {
  test(`IN-6: that an active token ${name} counts as long as inactive does`, async (t) => {
    const stage = await startIntrospecting(t)
    stage.server.say(goodMembers(members))
    assert.deepEqual([await stage.reason(), await stage.reason()], [reason, reason])
    assert.deepEqual([stage.server.calls.length, stage.store.entries.size], [1, 0])
    assert.deepEqual(stage.events, ['main active', 'main cached'])
    stage.server.say(goodMembers())
    stage.clock.advance(4_999)
    assert.equal(await stage.reason(), reason)
    stage.clock.advance(1)
    assert.equal(await stage.reason(), 'none')
  })
}

for (const [name, members, reason] of [
  ['not valid yet', { nbf: NOW + 60 }, 'token_not_yet_valid'],
  ['useless', { exp: 'soon' }, 'introspection_unavailable'],
  ['refused at length', { iss: 'https://other.test', aud: 'x'.repeat(2_000) }, 'issuer_untrusted'],
] as const) {
  test(`IN-6: an answer that is ${name} is not kept`, async (t) => {
    const stage = await startIntrospecting(t)
    stage.server.say(goodMembers(members))
    assert.deepEqual([await stage.reason(), await stage.reason()], [reason, reason])
    assert.equal(stage.server.calls.length, 2)
  })
}

test('IN-8: a pipe in place of the credential holds up nobody, neither requests nor the end', async (t) => {
  const file = secretFile(t, 'secret')
  rmSync(file)
  execFileSync('mkfifo', [file])
  const stage = await startIntrospecting(t, { introspection: { credentialFile: file } })
  assert.equal(await stage.reason(), 'internal')
  assert.deepEqual(stage.events, ['main credentials', `main credentials: ${file}: is not a regular file`])
  await stage.introspector.close()
})

test('IN-8: a credential that is not read in time is 500 within the timeout, and a probe says so', async (t) => {
  const stage = await startIntrospecting(t, { timeoutMs: 50, readFile: () => new Promise(() => undefined) })
  const outcome = await stage.introspector.introspect('opaque-1', NOW)
  assert.match(JSON.stringify(outcome), /"internal".*cannot be read in time/)
  assert.match((await stage.introspector.probe()) ?? '', /cannot be read in time$/)
  assert.equal(stage.server.calls.length, 0)
})

test('IN-6: inactive counts for five seconds and no longer, and then the issuer is asked again', async (t) => {
  const stage = await startIntrospecting(t)
  assert.equal(await stage.reason(), 'token_inactive')
  stage.server.say(goodMembers())
  stage.clock.advance(4_999)
  assert.equal(await stage.reason(), 'token_inactive')
  assert.equal(stage.server.calls.length, 1)
  stage.clock.advance(1)
  assert.equal(await stage.reason(), 'none')
  assert.deepEqual(stage.events, ['main inactive', 'main cached', 'main active'])
})

test('IN-6: inactive never counts longer than `cache`', async (t) => {
  const stage = await startIntrospecting(t, { introspection: { cacheMs: 1_000 } })
  await stage.reason()
  stage.clock.advance(1_000)
  await stage.reason()
  assert.equal(stage.server.calls.length, 2)
})

test('IN-6: an active answer ends with `cache` after the question, or at exp, whichever is first', async (t) => {
  const stage = await startIntrospecting(t)
  stage.server.say(goodMembers())
  assert.equal((await stage.proof('a')).lifetime.endsAt, NOW + 30)
  stage.server.say(goodMembers({ exp: NOW + 10 }))
  assert.equal((await stage.proof('b')).lifetime.endsAt, NOW + 10)
  stage.server.say(goodMembers({ exp: undefined }))
  const timeless = await stage.proof('c')
  assert.deepEqual([timeless.lifetime.endsAt, tokenOf(timeless).expiresAt], [NOW + 30, NOW + 30])
})

test('IN-6: with `cache: 0s` every request asks, those at the same time too, and nothing is kept', async (t) => {
  const stage = await startIntrospecting(t, { introspection: { cacheMs: 0 }, token: { clockToleranceSeconds: 0 } })
  stage.server.say(goodMembers({ exp: undefined }))
  assert.deepEqual(await Promise.all([stage.reason(), stage.reason()]), ['none', 'none'])
  assert.deepEqual([stage.server.calls.length, stage.store.entries.size], [2, 0])
  assert.equal((await stage.proof()).lifetime.endsAt, NOW)
  stage.server.say({ active: false })
  await stage.reason()
  await stage.reason()
  assert.equal(stage.server.calls.length, 5)
  stage.store.fail(true)
  await stage.reason()
  assert.equal(stage.events.includes('degraded'), false)
})

test('IN-6: who comes when the question under way is older than `cache` does not wait for that answer', async (t) => {
  const stage = await startIntrospecting(t, { introspection: { cacheMs: 1_000 } })
  let answer = (): void => undefined
  const first = new Promise<void>((resolve) => {
    answer = resolve
  })
  let asked = (): void => undefined
  const arrived = new Promise<void>((resolve) => {
    asked = resolve
  })
  stage.server.say(async () => {
    if (stage.server.calls.length > 1) return { active: false }
    asked()
    await first
    return goodMembers()
  })
  const early = stage.reason()
  await arrived
  stage.clock.advance(1_000)
  assert.equal(await stage.reason(), 'token_inactive')
  answer()
  assert.equal(await early, 'none')
})

test('IN-6: replicas share active answers, for no longer than one of them alone would keep them', async (t) => {
  const one = await startIntrospecting(t)
  const { server, clock, store } = one
  const two = await startIntrospecting(t, { server, clock, store })
  server.say(goodMembers())
  await one.proof()
  clock.advance(20_000)
  const shared = await two.proof()
  assert.deepEqual([server.calls.length, two.events], [1, ['main cached']])
  assert.equal(shared.lifetime.endsAt, NOW + 30)
  assert.deepEqual(tokenOf(shared), tokenOf(await one.proof()))
  server.say({ active: false })
  clock.advance(10_000)
  assert.deepEqual([await two.reason(), await one.reason()], ['token_inactive', 'token_inactive'])
})

test('IN-6: replicas share that a token is not active, for five seconds after the question', async (t) => {
  const one = await startIntrospecting(t)
  const { server, clock, store } = one
  const two = await startIntrospecting(t, { server, clock, store })
  const three = await startIntrospecting(t, { server, clock, store, introspection: { cacheMs: 1_000 } })
  assert.equal(await one.reason(), 'token_inactive')
  server.say(goodMembers())
  clock.advance(4_999)
  assert.equal(await two.reason(), 'token_inactive')
  assert.deepEqual([server.calls.length, two.events], [1, ['main cached']])
  // By its own `cache`, which is shorter.
  assert.equal(await three.reason(), 'none')
  clock.advance(1)
  assert.deepEqual([await two.reason(), await one.reason()], ['none', 'none'])
})

test('IN-6: what one replica hears of a revocation takes the place of the answer before it in the store', async (t) => {
  const one = await startIntrospecting(t)
  const { server, clock, store } = one
  server.say(goodMembers())
  await one.proof()
  const eager = await startIntrospecting(t, { server, clock, store, introspection: { cacheMs: 1_000 } })
  server.say({ active: false })
  clock.advance(2_000)
  assert.equal(await eager.reason(), 'token_inactive')
  assert.equal(await one.reason(), 'token_inactive')
  assert.equal(server.calls.length, 2)
})

test('IN-6: a shared answer counts by the `cache` of who reads it', async (t) => {
  const long = await startIntrospecting(t, { introspection: { cacheMs: 600_000 } })
  const { server, clock, store } = long
  const short = await startIntrospecting(t, { server, clock, store, introspection: { cacheMs: 5_000 } })
  const none = await startIntrospecting(t, { server, clock, store, introspection: { cacheMs: 0 } })
  server.say(goodMembers())
  await long.proof()
  clock.advance(4_000)
  assert.equal((await short.proof()).lifetime.endsAt, NOW + 5)
  assert.equal(server.calls.length, 1)
  await none.proof()
  assert.equal(server.calls.length, 2)
  clock.advance(1_000)
  await short.proof()
  assert.equal(server.calls.length, 3)
})

test('IN-6: a store that fails is a miss and is counted: the issuer is asked, and nobody passes for it', async (t) => {
  const stage = await startIntrospecting(t)
  stage.store.fail(true)
  stage.server.say(goodMembers())
  assert.equal(await stage.reason(), 'none')
  stage.server.say({ active: false })
  assert.equal(await stage.reason(), 'token_inactive')
  assert.deepEqual(stage.events, [
    ...['degraded', 'main active', 'degraded'],
    ...['degraded', 'main inactive', 'degraded'],
  ])
})

test('IN-6: the same token of two issuers is two tokens, in one store', async (t) => {
  const one = await startIntrospecting(t)
  const two = await startIntrospecting(t, {
    name: 'other',
    issuer: 'https://other.test',
    clock: one.clock,
    store: one.store,
  })
  one.server.say(goodMembers())
  two.server.say({ active: false })
  assert.deepEqual([await one.reason(), await two.reason(), await one.reason()], ['none', 'token_inactive', 'none'])
  assert.deepEqual([one.server.calls.length, two.server.calls.length], [1, 1])
})

test('IN-6: an error between two answers is kept as neither', async (t) => {
  const stage = await startIntrospecting(t)
  const seen: string[] = []
  for (const reply of [{ active: false }, raw(500), goodMembers(), raw(500), { active: false }]) {
    stage.server.say(reply)
    seen.push(await stage.reason())
    stage.clock.advance(30_000)
  }
  assert.deepEqual(seen, [
    'token_inactive',
    'introspection_unavailable',
    'none',
    'introspection_unavailable',
    'token_inactive',
  ])
})

test('IN-9: after five failures in a row nobody is asked for a second, then one call tries', async (t) => {
  const stage = await startIntrospecting(t)
  stage.server.say(raw(500))
  for (let count = 0; count < 8; count++) assert.equal(await stage.reason(`t${count}`), 'introspection_unavailable')
  assert.equal(stage.server.calls.length, 5)
  assert.equal(stage.events.filter((event) => event.includes('warned')).length, 1)
  stage.clock.advance(999)
  await stage.reason()
  assert.equal(stage.server.calls.length, 5)
  stage.clock.advance(1)
  const tried = await Promise.all(Array.from({ length: 10 }, (_, index) => stage.reason(`u${index}`)))
  assert.deepEqual([new Set(tried), stage.server.calls.length], [new Set(['introspection_unavailable']), 6])
  stage.clock.advance(1_000)
  stage.server.say(goodMembers())
  assert.deepEqual([await stage.reason(), await stage.reason('v')], ['none', 'none'])
})

test('IN-9: the same failure is told once while it lasts, and again after any good answer', async (t) => {
  const stage = await startIntrospecting(t)
  for (const good of [goodMembers(), { active: false }]) {
    stage.events.length = 0
    for (const [index, reply] of [raw(500), raw(500), good, raw(500)].entries()) {
      stage.server.say(reply)
      await stage.reason(`${stage.server.calls.length}-${index}`)
    }
    assert.equal(stage.events.filter((event) => event.includes('warned')).length, 2)
    stage.server.say(goodMembers())
    await stage.reason(`end-${stage.server.calls.length}`)
  }
})

test('IN-8: while nobody is asked because our credentials were refused, the answer stays 500', async (t) => {
  const stage = await startIntrospecting(t)
  stage.server.say(raw(401))
  for (let count = 0; count < 7; count++) assert.equal(await stage.reason(`t${count}`), 'internal')
  assert.equal(stage.server.calls.length, 5)
})

test('IN-5: a useless member in the answer for one token does not count as an outage for the others', async (t) => {
  const stage = await startIntrospecting(t)
  stage.server.say(goodMembers({ exp: 'soon' }))
  for (let count = 0; count < 10; count++) assert.equal(await stage.reason(`t${count}`), 'introspection_unavailable')
  stage.server.say(goodMembers())
  assert.equal(await stage.reason('good'), 'none')
  assert.equal(stage.server.calls.length, 11)
})

test('closing ends what is under way at once, asks nobody any more and lets nobody in', async (t) => {
  const stage = await startIntrospecting(t, { timeoutMs: 60_000 })
  let arrived = (): void => undefined
  const asked = new Promise<void>((resolve) => {
    arrived = resolve
  })
  stage.server.say(() => {
    arrived()
    return silence
  })
  const waiting = stage.reason()
  await asked
  await stage.introspector.close()
  assert.equal(await waiting, 'introspection_unavailable')
  assert.equal(await stage.reason(), 'introspection_unavailable')
  assert.deepEqual([stage.server.calls.length, stage.events], [1, ['main connect']])
})

test('closing lets nobody wait for a turn', async (t) => {
  const stage = await startIntrospecting(t, { timeoutMs: 60_000 })
  const held = holding(stage, 64, () => silence)
  const all = flood(stage, 100, 'any')
  await held.full
  await stage.introspector.close()
  assert.deepEqual(tally(await Promise.all(all)), { introspection_unavailable: 100 })
  assert.deepEqual(tally(stage.events), { 'main busy': 36, 'main connect': 64 })
})

test('calls that follow each other share connections', async (t) => {
  const stage = await startIntrospecting(t)
  for (let count = 0; count < 20; count++) await stage.reason(`t${count}`)
  // The next call may begin in the turn in which the one before gives its connection back.
  assert.ok(Math.max(...stage.server.calls.map(({ connection }) => connection)) <= 1)
})

test('what is wrong is told in words by a probe about a string that is no token', async (t) => {
  const stage = await startIntrospecting(t, { timeoutMs: 200 })
  assert.equal(await stage.introspector.probe(), undefined)
  assert.match(stage.server.tokens()[0] ?? '', /^[A-Za-z0-9_-]{43}$/)
  for (const [reply, expected] of [
    [raw(401), /answered 401, our own credentials are refused$/],
    [silence, /no complete answer in time$/],
    [raw(404), /answered 404$/],
    [goodMembers(), /calls a random string an active token$/],
  ] as const) {
    stage.server.say(reply)
    assert.match((await stage.introspector.probe()) ?? '', expected)
  }
  const unread = await startIntrospecting(t, { introspection: { credentialFile: '/nonexistent/secret' } })
  assert.match((await unread.introspector.probe()) ?? '', /cannot be read/)
})

test('no event holds a token or a secret', async (t) => {
  const stage = await startIntrospecting(t)
  for (const reply of [goodMembers(), raw(500), raw(401), raw(200, 'secret-token'), goodMembers({ iss: 1 })]) {
    stage.server.say(reply)
    await stage.reason(`secret-token-${stage.server.calls.length}`)
  }
  const text = JSON.stringify([stage.events, [...stage.store.entries]])
  assert.doesNotMatch(text, /secret-token|s3cret/)
})
