import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { pass, refuse } from '../../src/decision/refusal.ts'
import { createTokenCache } from '../../src/token/cache.ts'
import type { Proof } from '../../src/token/proof.ts'
import { costRatio } from '../support/cost-ratio.ts'
import { createKey, issuerKeys, mint, NOW, trustedIssuer } from '../support/tokens.ts'
import { createVerifying, passed, reasonOf } from '../support/verifying.ts'

const key = createKey('ES256', 'es1')
const rotated = createKey('ES256', 'es2')

test('RI-12: what is kept is the token and not a verdict: every request gets the same claims to judge', async () => {
  const { verifier, events } = await createVerifying({ keys: [key] })
  const token = mint({ key, claims: { aud: 'https://api.test/billing' } })
  const first = await verifier.verify(token, ['main'], NOW)
  const second = verifier.verify(token, ['main'], NOW + 1)
  assert.ok(!(second instanceof Promise), 'a hit is synchronous')
  assert.equal(second, first)
  assert.deepEqual(passed(second).audience, ['https://api.test/billing'])
  assert.deepEqual(events, ['miss', 'main none', 'hit'])
})

test('row 22: a token that is cached for its issuer is not one of an issuer that does not count here', async () => {
  const keys = await issuerKeys([rotated], 'other')
  const other = trustedIssuer(keys, { name: 'other', issuer: 'https://other.test' })
  const { verifier } = await createVerifying({ keys: [key], others: [other] })
  const tokens = { main: mint({ key }), other: mint({ key: rotated, claims: { iss: other.issuer } }) }
  // Both orders, twice: the first round warms the cache.
  for (const lists of [['main'], ['other'], ['other'], ['main'], ['main', 'other'], ['other', 'main'], []]) {
    for (const [name, token] of Object.entries(tokens)) {
      const outcome = await verifier.verify(token, lists, NOW)
      assert.equal(reasonOf(outcome), lists.includes(name) ? 'none' : 'issuer_untrusted', `${name} at ${lists}`)
      if (outcome.ok) assert.equal(outcome.value.issuer, name)
    }
  }
})

test('one issuer under two names: each reads the token its own way, cached or not', async () => {
  const mapped = { claims: { scope: 'scp', clientId: undefined } }
  const twin = trustedIssuer(await issuerKeys([key]), { name: 'twin', token: mapped })
  const { verifier } = await createVerifying({ keys: [key], others: [twin] })
  const token = mint({ key, claims: { scope: 'a', scp: ['b'] } })
  for (const [name, scopes] of [
    ['main', ['a']],
    ['twin', ['b']],
    ['main', ['a']],
    ['twin', ['b']],
  ] as const) {
    assert.deepEqual(passed(await verifier.verify(token, [name], NOW)).scopes, scopes)
  }
})

test('lesson 3: tokens that share a beginning, or whose parts join to the same text, are not confused', async () => {
  const { verifier } = await createVerifying({ keys: [key] })
  const claims = (sub: string, jti: string) => ({ sub, jti, pad: 'x'.repeat(600) })
  const pairs = [
    ['a:b', 'c'],
    ['a', 'b:c'],
    ['a', 'b:d'],
  ] as const
  for (const [sub, jti] of pairs) {
    const token = mint({ key, claims: claims(sub, jti) })
    for (const round of ['fresh', 'cached']) {
      const read = passed(await verifier.verify(token, ['main'], NOW))
      assert.deepEqual([read.subject, read.claims.jti], [sub, jti], round)
    }
    // A cached token's beginning, and the same with another signature, are other tokens.
    assert.equal(reasonOf(await verifier.verify(token.slice(0, -2), ['main'], NOW)), 'signature_invalid')
    const [header, payload] = token.split('.')
    assert.equal(reasonOf(await verifier.verify(`${header}.${payload}.`, ['main'], NOW)), 'signature_invalid')
  }
})

test('AT-8: an entry ends with the token, at exp plus tolerance and not a fraction later', async () => {
  const { verifier, events } = await createVerifying({ keys: [key] })
  const token = mint({ key, claims: { exp: NOW + 10.5 } })
  const reasonAt = async (now: number) => reasonOf(await verifier.verify(token, ['main'], now))
  assert.equal(await reasonAt(NOW), 'none')
  assert.equal(await reasonAt(NOW + 40.4), 'none')
  assert.equal(await reasonAt(NOW + 40.5), 'token_expired')
  assert.deepEqual(events, ['miss', 'main none', 'hit', 'miss', 'main token_expired'])
})

test('AT-11: an entry ends at max_token_age, though the token goes on for years', async () => {
  const { verifier, events } = await createVerifying({ keys: [key], token: { maxTokenAgeSeconds: 600 } })
  const token = mint({ key, claims: { iat: NOW, exp: NOW + 1e8 } })
  const reasonAt = async (now: number) => reasonOf(await verifier.verify(token, ['main'], now))
  assert.equal(await reasonAt(NOW), 'none')
  assert.equal(await reasonAt(NOW + 629.9), 'none')
  assert.equal(await reasonAt(NOW + 630), 'token_too_old')
  assert.deepEqual(events, ['miss', 'main none', 'hit', 'miss', 'main token_too_old'])
})

test('AT-9: a cached token is not valid before its time, should the clock go back', async () => {
  const { verifier } = await createVerifying({ keys: [key] })
  const token = mint({ key, claims: { nbf: NOW } })
  assert.equal(reasonOf(await verifier.verify(token, ['main'], NOW)), 'none')
  assert.equal(reasonOf(await verifier.verify(token, ['main'], NOW - 30)), 'none')
  assert.equal(reasonOf(await verifier.verify(token, ['main'], NOW - 31)), 'token_not_yet_valid')
})

test('AS-11: when the keys change, what they proved is proven again', async () => {
  const { verifier, keys, events } = await createVerifying({ keys: [key] })
  const token = mint({ key })
  const reason = async () => reasonOf(await verifier.verify(token, ['main'], NOW))
  assert.equal(await reason(), 'none')
  await keys.rotate([rotated, key])
  assert.equal(await reason(), 'none')
  assert.equal(await reason(), 'none')
  await keys.rotate([rotated])
  assert.equal(await reason(), 'key_unknown')
  assert.deepEqual(events, ['miss', 'main none', 'miss', 'main none', 'hit', 'miss', 'main key_unknown'])
})

test('AS-11: a proof made with a key that was taken away meanwhile is not kept', async () => {
  const { verifier, keys } = await createVerifying({ keys: [key] })
  const token = mint({ key })
  const imported = await keys.resolve({ alg: 'ES256', kid: 'es1' }, NOW)
  assert.ok(imported.ok)
  // The keys change while the one that was asked for is on its way.
  keys.answer(async () => {
    await keys.rotate([rotated])
    return pass(imported.value)
  })
  assert.equal(reasonOf(await verifier.verify(token, ['main'], NOW)), 'none')
  keys.answer(() => refuse({ reason: 'key_unknown', issuer: 'main', fault: 'gone' }))
  assert.equal(reasonOf(await verifier.verify(token, ['main'], NOW)), 'key_unknown')
})

test('flush forgets the tokens of one issuer and of no other', async () => {
  const keys = await issuerKeys([rotated], 'other')
  const other = trustedIssuer(keys, { name: 'other', issuer: 'https://other.test' })
  const { verifier, events } = await createVerifying({ keys: [key], others: [other] })
  const tokens = [
    mint({ key }),
    mint({ key, claims: { jti: '2' } }),
    mint({ key: rotated, claims: { iss: other.issuer } }),
  ]
  const all = async () => {
    for (const token of tokens) passed(await verifier.verify(token, ['main', 'other'], NOW))
    return events.splice(0).filter((event) => event === 'hit' || event === 'miss')
  }
  assert.deepEqual(await all(), ['miss', 'miss', 'miss'])
  assert.deepEqual(await all(), ['hit', 'hit', 'hit'])
  verifier.flush('main')
  assert.deepEqual(await all(), ['miss', 'miss', 'hit'])
})

test('refused tokens are not kept, however often they come', async () => {
  const { verifier, events } = await createVerifying({ keys: [key] })
  const token = mint({ key, claims: { exp: NOW - 100 } })
  for (const _ of [1, 2]) await verifier.verify(token, ['main'], NOW)
  assert.deepEqual(events, ['miss', 'main token_expired', 'miss', 'main token_expired'])
})

test('the cache stays under its bound, and the least recently used go first', async () => {
  const trusted = trustedIssuer(await issuerKeys([key]))
  const proof = { lifetime: { validFrom: 0, endsAt: Infinity }, generation: 0 } as Proof
  const cache = createTokenCache(100_000)
  const current = new Map([['main', { trusted }]])
  const hot = `hot${'x'.repeat(1000)}`
  cache.set(hot, proof, trusted)
  for (let count = 0; count < 10_000; count++) {
    cache.set(`${count}`.padEnd(1000, 'y'), proof, trusted)
    assert.equal(cache.get(hot, ['main'], NOW, current), proof)
    assert.ok(cache.bytes <= 100_000)
  }
  assert.ok(cache.bytes > 90_000)
  assert.equal(cache.get('0'.padEnd(1000, 'y'), ['main'], NOW, current), undefined)
  assert.equal(cache.get('9999'.padEnd(1000, 'y'), ['main'], NOW, current), proof)
  cache.set('z'.repeat(200_000), proof, trusted)
  assert.equal(cache.get(hot, ['main'], NOW, current), proof, 'what is larger than the whole cache is not kept')
})

test('what has ended or lost its keys gives its bytes back as soon as it is asked for', async () => {
  const keys = await issuerKeys([key])
  const trusted = trustedIssuer(keys)
  const proof = { lifetime: { validFrom: 0, endsAt: NOW }, generation: 0 } as Proof
  const cache = createTokenCache(100_000)
  const current = new Map([['main', { trusted }]])
  cache.set('a', proof, trusted)
  assert.equal(cache.get('a', ['main'], NOW, current), undefined)
  assert.equal(cache.bytes, 0)
  cache.set('a', proof, trusted)
  await keys.rotate([])
  assert.equal(cache.get('a', ['main'], NOW - 1, current), undefined)
  assert.equal(cache.bytes, 0)
})

test('a hit costs less than four SHA-256 of its token, a new string included', async () => {
  const { verifier } = await createVerifying({ keys: [key] })
  const field = Buffer.from(`Bearer ${mint({ key })}`)
  passed(await verifier.verify(field.toString('latin1', 7), ['main'], NOW))
  const hit = () => {
    // As it comes from the wire: never the same string object twice.
    const outcome = verifier.verify(field.toString('latin1', 7), ['main'], NOW)
    if (outcome instanceof Promise || !outcome.ok) assert.fail('must be a hit')
  }
  const ratio = costRatio(hit, () => hash('sha256', field.toString('latin1', 7)), 4)
  assert.ok(ratio <= 4, `${ratio} times as much`)
})
