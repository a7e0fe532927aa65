import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProver, presenting } from '../support/dpop.ts'
import { startGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

test('DP-15: a reload with a longer `dpop.proof_age` makes no used proof good again', async (t) => {
  const alice = await createProver()
  const clock = createManualClock(Date.now())
  const upstream = await startUpstream(t)
  const yaml = (age: string): string =>
    `dpop: { proof_age: ${age} }\n${issuerYaml()}upstreams: { '${upstream.url}': { resource: ${ORDERS}, at: /orders } }\n`
  const stage = await startGateway(t, yaml('5s'), {}, clock)
  const uri = `${stage.url}/orders/1`
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  const ask = async (proof: string): Promise<string> => {
    const response = await fetch(uri, { headers: presenting(token, proof) })
    return response.ok ? 'passed' : `${(await jsonOf(response)).reason}`
  }
  const proof = (): string => alice.prove({ token, uri, now: clock.now() / 1000 })
  const early = proof()
  assert.deepEqual([await ask(early), await ask(early)], ['passed', 'proof_replayed'])
  clock.advance(13_000)
  assert.equal(await ask(early), 'proof_invalid')
  const late = proof()
  assert.equal(await ask(late), 'passed')
  await stage.reload(yaml('5m'))
  assert.deepEqual([await ask(early), await ask(late)], ['proof_invalid', 'proof_replayed'])
  clock.advance(13_000)
  assert.equal(await ask(late), 'proof_invalid')
  assert.equal(await ask(proof()), 'passed')
})
