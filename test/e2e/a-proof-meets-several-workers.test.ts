import assert from 'node:assert/strict'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type TestContext, test } from 'node:test'
import { createProver, presenting } from '../support/dpop.ts'
import { liveToken } from '../support/orders.ts'
import { startRedis } from '../support/redis.ts'
import { startUpstream } from '../support/upstream.ts'
import { startWorkers } from '../support/workers.ts'

const alice = await createProver()
const token = liveToken({ cnf: { jkt: alice.jkt } })

/** Three workers; `ask` takes a connection of its own for each request. */
const start = async (t: TestContext, more: string) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url, { workers: 3, more })
  const uri = `http://127.0.0.1:${audgate.port}/orders/1`
  const ask = (headers: Readonly<Record<string, string>>): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get(uri, { agent: new Agent(), headers }, (response) => {
        response.resume()
        response.on('end', () => resolve(response))
      }).on('error', reject)
    })
  const servers = () =>
    new Set(upstream.seen.map(({ rawHeaders }) => rawHeaders[rawHeaders.findIndex((name) => /^via$/i.test(name)) + 1]))
  return { ask, uri, servers }
}

test('DP-16: a nonce that one worker gave is good at all of them, without a secret in the config', async (t) => {
  const { ask, uri, servers } = await start(t, 'dpop: { nonces: true }')
  const { statusCode, headers } = await ask(presenting(token, alice.prove({ token, uri })))
  assert.equal(statusCode, 401)
  const nonce = String(headers['dpop-nonce'])
  const proofs = Array.from({ length: 60 }, () => alice.prove({ token, uri, claims: { nonce } }))
  const answers = await Promise.all(proofs.map((proof) => ask(presenting(token, proof))))
  assert.deepEqual(new Set(answers.map((answer) => answer.statusCode)), new Set([200]))
  assert.ok(servers().size > 1, 'several have been asked')
})

test('DP-15: with a store that the workers share, a proof counts once', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { ask, uri, servers } = await start(t, `store: ${redis.url}`)
  const fresh = await Promise.all(Array.from({ length: 30 }, () => ask(presenting(token, alice.prove({ token, uri })))))
  assert.deepEqual(new Set(fresh.map(({ statusCode }) => statusCode)), new Set([200]))
  assert.ok(servers().size > 1, 'several are asked')
  const proof = alice.prove({ token, uri })
  const again = await Promise.all(Array.from({ length: 60 }, () => ask(presenting(token, proof))))
  assert.equal(again.filter(({ statusCode }) => statusCode === 200).length, 1)
})

test('DP-15: with a memory of each worker, a proof counts once in each of them: what the warning says', async (t) => {
  const { ask, uri, servers } = await start(t, '')
  const proof = alice.prove({ token, uri })
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(presenting(token, proof))))
  const passed = answers.filter(({ statusCode }) => statusCode === 200).length
  assert.equal(passed, servers().size)
  assert.ok(passed > 1 && passed <= 3, String(passed))
})
