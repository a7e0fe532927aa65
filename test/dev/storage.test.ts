import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStorage } from '../../src/dev/storage.ts'

test('an entry is found by id, uid and user code, in its own model only, until it is destroyed', async () => {
  const storage = createStorage()
  await storage('Session').upsert('a', { uid: 'u', userCode: 'c' }, 60)

  assert.deepEqual(await storage('Session').find('a'), { uid: 'u', userCode: 'c' })
  assert.deepEqual(await storage('Session').findByUid('u'), { uid: 'u', userCode: 'c' })
  assert.deepEqual(await storage('Session').findByUserCode('c'), { uid: 'u', userCode: 'c' })
  assert.equal(await storage('Grant').find('a'), undefined)
  await storage('Session').destroy('a')
  assert.equal(await storage('Session').find('a'), undefined)
})

test('consuming marks the entry and leaves it in place', async () => {
  const codes = createStorage()('AuthorizationCode')
  await codes.upsert('a', { grantId: 'g' }, 60)
  await codes.consume('a')
  await codes.consume('unknown')

  assert.equal(typeof (await codes.find('a'))?.consumed, 'number')
  assert.equal(await codes.find('unknown'), undefined)
})

test('revoking a grant takes all of its entries and no other', async () => {
  const tokens = createStorage()('RefreshToken')
  await tokens.upsert('a', { grantId: 'g' }, 60)
  await tokens.upsert('b', { grantId: 'g' }, 60)
  await tokens.upsert('c', { grantId: 'h' }, 60)
  await tokens.revokeByGrantId('g')

  assert.deepEqual(
    [await tokens.find('a'), await tokens.find('b'), await tokens.find('c')],
    [undefined, undefined, { grantId: 'h' }],
  )
})

test('a flood pushes the oldest entries out instead of growing', async () => {
  const tokens = createStorage()('AccessToken')
  for (let index = 0; index <= 10_000; index++) await tokens.upsert(`${index}`, { iat: index }, 60)

  assert.equal(await tokens.find('0'), undefined)
  assert.deepEqual(await tokens.find('1'), { iat: 1 })
  assert.deepEqual(await tokens.find('10000'), { iat: 10_000 })
})
