// Also fast-proxy 42.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'

test('@fastify/reply-from 460: what is canonical passes unchanged, dots and all', async (t) => {
  const attack = await startAttack(t)
  const targets = [
    '/public/...',
    '/public/a..b',
    '/public/..a',
    '/public/.a',
    '/public/a%c3%a9',
    '/public/a?',
    '/public/a/',
    '/public/a:b@c',
    "/public/!$&'()*+,=",
  ]
  for (const target of targets) assert.equal((await attack.send(`GET ${target}`)).status, 200, target)
  assert.deepEqual(
    attack.spy.requests.map(({ line }) => line),
    targets.map((target) => `GET ${target} HTTP/1.1`),
  )
})
