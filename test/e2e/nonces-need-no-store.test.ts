import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'
import { type Replica, startReplicas } from '../support/replica-gateways.ts'

test('DP-16, operations 5.1: processes with one secret give out nonces and know them again while the store is dead, and after a restart', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const secret = temporaryFile(t, 'nonces', randomBytes(32).toString('base64url'))
  const stage = await startReplicas(t, 2, redis.url, { dpop: { nonces: true, nonce_secret_file: secret } })
  const [first, second] = stage.replicas
  if (!first || !second) assert.fail('two were started')
  const nonceOf = async (replica: Replica): Promise<string> => {
    const { status, reason, headers } = await replica.ask({ authorization: `DPoP ${stage.bound}`, dpop: stage.prove() })
    assert.deepEqual([status, reason], [401, 'nonce_required'])
    return String(headers['dpop-nonce'])
  }
  await redis.kill()
  const nonce = await nonceOf(first)
  // That it is 503 and not 401 says that the nonce is known.
  assert.equal(await stage.present(second, stage.prove({ nonce })), '503 store_unavailable')
  assert.equal(await stage.present(second, stage.prove({ nonce: `${nonce}A` })), '401 nonce_required')
  first.process.child.kill('SIGKILL')
  await first.process.ended
  const again = await stage.start()
  await redis.restart()
  for (const replica of [second, again]) {
    await eventually('the nonce of the first passes', async () => {
      return (await stage.present(replica, stage.prove({ nonce }))) === 'passed'
    })
  }
})
