import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes } from '../support/raw-http.ts'
import { type SpiedStage, type SpyAnswer, startSpied } from '../support/spy.ts'

const hold = (): { readonly held: Map<string, Socket>; readonly answer: SpyAnswer } => {
  const held = new Map<string, Socket>()
  return {
    held,
    answer: ({ line }, socket) => {
      held.set(line.split(' ')[1] ?? '', socket)
      return undefined
    },
  }
}

const answerOf = (path: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`

const get = ({ authorization }: SpiedStage, path: string): Buffer =>
  requestBytes([`GET /orders${path} HTTP/1.1`, 'Host: a', authorization])

/** Status, `Connection` and content of each answer. */
const answersIn = (text: string): string[][] =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)[\s\S]*?\r\nConnection: (\S+)[\s\S]*?\r\n\r\n([^H]*)/g)].map(
    ([, ...parts]) => parts,
  )

test('OP-3: requests under way behind another are answered too, and the last answer says that it is the last', async (t) => {
  const { held, answer } = hold()
  const stage = await startSpied(t, { answer })
  const client = await converse(t, stage.port)
  const paths = ['/1', '/2', '/3']
  client.say(Buffer.concat(paths.map((path) => get(stage, path))))
  await eventually('all are upstream', () => held.size === 3)
  const closed = stage.gateway.close(0)
  for (const path of ['/2', '/1', '/3']) held.get(path)?.write(answerOf(path))
  assert.deepEqual(answersIn(await client.end()), [
    ['200', 'keep-alive', '/1'],
    ['200', 'keep-alive', '/2'],
    ['200', 'close', '/3'],
  ])
  assert.equal(await closed, 0)
})

test('OP-3: the first request that is taken while it drains is the last one of its connection', async (t) => {
  const { held, answer } = hold()
  const stage = await startSpied(t, { answer })
  const client = await converse(t, stage.port)
  client.say(get(stage, '/1'))
  await eventually('it is upstream', () => held.size === 1)
  const closed = stage.gateway.close(0)
  client.say(Buffer.concat([get(stage, '/2'), get(stage, '/3')]))
  await eventually('it is upstream', () => held.size === 2)
  for (const path of ['/2', '/1']) held.get(path)?.write(answerOf(path))
  assert.deepEqual(answersIn(await client.end()), [
    ['200', 'keep-alive', '/1'],
    ['200', 'close', '/2'],
  ])
  assert.equal(await closed, 0)
  assert.deepEqual([...held.keys()], ['/1', '/2'])
})
