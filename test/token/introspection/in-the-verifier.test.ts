import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTokenVerifier } from '../../../src/token/index.ts'
import type { TrustedIssuer } from '../../../src/token/proof.ts'
import { raw } from '../../support/introspection-server.ts'
import { createKey, ISSUER, issuerKeys, mint, NOW, TOKEN_OPTIONS } from '../../support/tokens.ts'
import { reasonOf } from '../../support/verifying.ts'
import { goodMembers, type IntrospectingOptions, startIntrospecting } from './setup.ts'

const key = createKey('ES256', 'es1')

/** The introspector behind the verifier and its cache of proven tokens, as in the gateway. */
const start = async (t: TestContext, options: IntrospectingOptions = {}, others: readonly TrustedIssuer[] = []) => {
  const stage = await startIntrospecting(t, { keys: [key], ...options })
  const issuers = [stage.trusted, ...others]
  const events = { cache: () => undefined, validated: () => undefined }
  const verifier = createTokenVerifier({ issuers, tokenSize: 8192, cache: 1 << 20, events })
  const verdict = async (token = 'opaque-1', names: readonly string[] = ['main']) =>
    reasonOf(await verifier.verify(token, names, stage.now()))
  return { ...stage, verifier, verdict }
}

const jwtOnly = async (name: string, issuer: string): Promise<TrustedIssuer> => ({
  name,
  issuer,
  token: TOKEN_OPTIONS,
  keys: await issuerKeys([key]),
  decryption: undefined,
  introspection: undefined,
})

test('IN-6: an active answer is used again without a promise, and revocation ends access within `cache`', async (t) => {
  const { verifier, verdict, server, clock, now } = await start(t)
  server.say(goodMembers())
  assert.equal(await verdict(), 'none')
  server.say({ active: false })
  clock.advance(29_999)
  assert.equal(verifier.verify('opaque-1', ['main'], now()) instanceof Promise, false)
  assert.deepEqual([await verdict(), server.calls.length], ['none', 1])
  clock.advance(1)
  assert.deepEqual([await verdict(), server.calls.length], ['token_inactive', 2])
})

test('IN-6: exp that is sooner than `cache` wins, in both caches', async (t) => {
  const { verdict, server, clock } = await start(t)
  server.say(goodMembers({ exp: NOW + 10 }))
  assert.equal(await verdict(), 'none')
  server.say({ active: false })
  clock.advance(9_999)
  assert.equal(await verdict(), 'none')
  clock.advance(1)
  assert.equal(await verdict(), 'token_inactive')
})

test('IN-6: no path through the two caches and two replicas makes an answer older than `cache`', async (t) => {
  const one = await start(t)
  const two = await start(t, { server: one.server, clock: one.clock, store: one.store })
  one.server.say(goodMembers())
  await one.verdict()
  one.server.say({ active: false })
  one.clock.advance(29_000)
  assert.deepEqual([await two.verdict(), one.server.calls.length], ['none', 1])
  one.clock.advance(1_000)
  assert.deepEqual([await two.verdict(), await one.verdict()], ['token_inactive', 'token_inactive'])
})

test('attacks 2.6 row 16: long answers fill the cache by their own length, not by that of their tokens', async (t) => {
  const { verifier, verdict, server, now } = await start(t)
  server.say(goodMembers({ groups: 'x'.repeat(100_000) }))
  for (let count = 0; count < 5; count++) assert.equal(await verdict(`opaque-${count}`), 'none')
  const isKept = (count: number) => !(verifier.verify(`opaque-${count}`, ['main'], now()) instanceof Promise)
  assert.deepEqual([isKept(4), isKept(0)], [true, false])
})

test('IN-6: with `cache: 0s` revocation ends access at once', async (t) => {
  const { verdict, server } = await start(t, { introspection: { cacheMs: 0 } })
  server.say(goodMembers())
  assert.equal(await verdict(), 'none')
  server.say({ active: false })
  assert.equal(await verdict(), 'token_inactive')
})

test('JWT and opaque tokens side by side: each goes its own way, and no JWT is ever sent to the endpoint', async (t) => {
  const { verdict, server } = await start(t)
  server.say(goodMembers())
  assert.equal(await verdict(mint({ key })), 'none')
  assert.equal(await verdict(mint({ key: createKey('ES256', 'es1') })), 'signature_invalid')
  assert.equal(await verdict(mint({ key, claims: { exp: NOW - 60 } })), 'token_expired')
  assert.equal(await verdict('a.b.c'), 'token_malformed')
  assert.equal(server.calls.length, 0)
  assert.equal(await verdict('opaque-1'), 'none')
  assert.deepEqual(server.tokens(), ['opaque-1'])
})

test('IN-12: an introspection JWT is never an access token, whatever the profile', async (t) => {
  for (const profile of ['rfc9068', 'jwt'] as const) {
    const { verdict, server } = await start(t, { token: { profile } })
    for (const typ of ['token-introspection+jwt', 'application/token-introspection+jwt']) {
      const claims = { active: true, token_introspection: goodMembers() }
      assert.equal(await verdict(mint({ key, header: { typ }, claims })), 'token_type_wrong')
    }
    assert.equal(server.calls.length, 0)
  }
})

test('IN-10: too long is refused before any call', async (t) => {
  const { verdict, server } = await start(t)
  assert.deepEqual([await verdict('x'.repeat(8193)), server.calls.length], ['token_too_long', 0])
})

test('an opaque token where no issuer of the resource can be asked is `token_opaque`, and goes nowhere', async (t) => {
  const { verdict, server } = await start(t, {}, [await jwtOnly('plain', 'https://plain.test')])
  assert.deepEqual([await verdict('opaque-1', ['plain']), server.calls.length], ['token_opaque', 0])
})

test('IN-10: an opaque token is shown to the one issuer that can be asked, and to no other, whatever it answers', async (t) => {
  const one = await startIntrospecting(t)
  const two = await start(t, { name: 'two', issuer: 'https://two.test', clock: one.clock }, [one.trusted])
  for (const reply of [{ active: false }, raw(500), raw(401)]) {
    two.server.say(reply)
    await two.verdict('opaque-1', ['two'])
    two.clock.advance(10_000)
  }
  assert.deepEqual([two.server.calls.length, one.server.calls.length], [3, 0])
})

test('attacks 2.6 row 14: the same string at two issuers is two tokens, each good at its own', async (t) => {
  const one = await startIntrospecting(t)
  const two = await start(t, { name: 'two', issuer: 'https://two.test', clock: one.clock, store: one.store }, [
    one.trusted,
  ])
  one.server.say(goodMembers())
  two.server.say(goodMembers({ iss: 'https://two.test', sub: 'bob' }))
  const subject = async (name: string) => {
    const outcome = await two.verifier.verify('same', [name], NOW)
    return outcome.ok ? `${outcome.value.iss} ${outcome.value.subject}` : outcome.refusal.reason
  }
  for (let round = 0; round < 2; round++) {
    assert.equal(await subject('main'), `${ISSUER} alice`)
    assert.equal(await subject('two'), 'https://two.test bob')
  }
})
