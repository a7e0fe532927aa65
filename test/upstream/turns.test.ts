import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTurns } from '../../src/upstream/turns.ts'

test('no more run at a time than may, the others in order of arrival, and who fails hands on the turn too', async () => {
  const inTurn = createTurns(2)
  const begun: string[] = []
  const ends = new Map<string, PromiseWithResolvers<string>>()
  const start = (name: string): Promise<string> =>
    inTurn(() => {
      begun.push(name)
      const end = Promise.withResolvers<string>()
      ends.set(name, end)
      return end.promise
    })
  const settled = (): Promise<void> => new Promise(setImmediate)
  const all = Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map(start))
  assert.deepEqual(begun, ['a', 'b'])
  ends.get('b')?.reject(new Error('failed'))
  await settled()
  assert.deepEqual(begun, ['a', 'b', 'c'])
  ends.get('a')?.resolve('a')
  ends.get('c')?.resolve('c')
  await settled()
  assert.deepEqual(begun, ['a', 'b', 'c', 'd', 'e'])
  ends.get('d')?.resolve('d')
  ends.get('e')?.resolve('e')
  assert.deepEqual(
    (await all).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  )
  const two = [start('f'), start('g'), start('h')]
  assert.deepEqual(begun.slice(5), ['f', 'g'])
  for (const name of ['f', 'g']) ends.get(name)?.resolve(name)
  await settled()
  ends.get('h')?.resolve('h')
  assert.deepEqual(await Promise.all(two), ['f', 'g', 'h'])
})
