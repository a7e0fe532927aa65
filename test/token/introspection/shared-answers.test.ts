import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSharedAnswers } from '../../../src/token/introspection/shared-answers.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import { NOW } from '../../support/tokens.ts'
import { createSharedStore, OPTIONS } from './setup.ts'

const credential = { ok: true, text: 'secret' } as const
const answer = { askedAt: NOW, claims: { active: true, sub: 'alice' } }

const setUp = () => {
  const clock = createManualClock(NOW * 1000)
  const store = createSharedStore(clock)
  const create = (change: Partial<typeof OPTIONS> = {}, issuer = 'https://as.test') =>
    createSharedAnswers(store, issuer, { ...OPTIONS, ...change, credentialFile: '/x' }, () => undefined)
  return { clock, store, create, only: () => [...store.entries][0] ?? ['', { value: '', until: 0 }] }
}

test('IN-6: an answer is found under its token, and the key and the value show neither token nor secret', async () => {
  const { create, store, only } = setUp()
  await create().set('tok', credential, answer, NOW + 30)
  const found = await create().get('tok', credential, NOW + 29)
  assert.deepEqual([found?.askedAt, found?.claims.sub], [NOW, 'alice'])
  assert.match(only()[0], /^ag:intro:[A-Za-z0-9_-]{43}$/)
  assert.doesNotMatch(JSON.stringify([...store.entries]), /tok"|secret/)
  assert.equal(await create().get('tok', credential, NOW + 30), undefined)
  assert.equal(await create().get('tok', credential, NOW - 1), undefined)
})

test('IN-6: the store keeps it as long as it counts, and not at all when that is over', async () => {
  const { create, store, only } = setUp()
  await create().set('tok', credential, answer, NOW + 12.5)
  assert.equal(only()[1].until, (NOW + 12.5) * 1000)
  await create().set('other', credential, answer, NOW)
  assert.equal(store.entries.size, 1)
})

test('attacks 2.6 row 15: no two of issuer, client, secret, kind of response and token meet under one key', async () => {
  const { create, store } = setUp()
  const variants = [
    [create(), 'c', credential],
    [create({}, 'https://as.test/'), 'c', credential],
    [create({}, 'https://as.test/a:b'), 'c', credential],
    [create({}, 'https://as.test/a'), 'b:c', credential],
    [create({ clientId: 'gateway2' }), 'c', credential],
    [create({ response: 'jwt' }), 'c', credential],
    [create(), 'c', { ok: true, text: 'secret2' }],
    [create(), 'cc', credential],
    [create(), 'c ', credential],
    [create(), 'C', credential],
  ] as const
  for (const [answers, token, secret] of variants) await answers.set(token, secret, answer, NOW + 30)
  assert.equal(store.entries.size, variants.length)
})

test('who writes into the store makes no token: a value that is not ours, or is another token’s, is a miss', async () => {
  const { create, store, only } = setUp()
  const answers = create()
  await answers.set('tok', credential, answer, NOW + 30)
  const [key, entry] = only()
  const json = entry.value.slice(entry.value.indexOf('.') + 1)
  const put = async (at: string, value: string) => store.set(at, value, 30_000)
  for (const value of [
    json,
    `.${json}`,
    `${'A'.repeat(43)}.${json}`,
    entry.value.replace('alice', 'admin'),
    entry.value.slice(0, -1),
    '',
    '{}',
    'é',
  ]) {
    await put(key, value)
    assert.equal(await answers.get('tok', credential, NOW), undefined, value)
  }
  await answers.set('mine', credential, answer, NOW + 30)
  const mine = [...store.entries.keys()].find((name) => name !== key) ?? ''
  await put(mine, entry.value)
  assert.equal(await answers.get('mine', credential, NOW), undefined)
  await put(key, entry.value)
  assert.equal((await answers.get('tok', credential, NOW))?.claims.sub, 'alice')
})

test('a store that fails is told of and is a miss', async () => {
  const { store } = setUp()
  let degraded = 0
  const answers = createSharedAnswers(store, 'i', { ...OPTIONS, credentialFile: '/x' }, () => degraded++)
  await answers.set('tok', credential, answer, NOW + 30)
  store.fail(true)
  assert.equal(await answers.get('tok', credential, NOW), undefined)
  await answers.set('tok', credential, answer, NOW + 30)
  assert.equal(degraded, 2)
})
