import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProver, presenting } from '../support/dpop.ts'
import { liveToken } from '../support/orders.ts'
import { startSpied } from '../support/spy.ts'

const alice = await createProver()

test('DP-19: the token goes on where it is forwarded, the proof never does, however its field is spelled', async (t) => {
  const stage = await startSpied(t, { entry: { routes: { '/open': 'public', '/**': 'authenticated' } } })
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  for (const name of ['DPoP', 'dpop', 'DPOP']) {
    const proof = alice.prove({ token, uri: `${stage.url}/orders/1` })
    const headers = { authorization: `DPoP ${token}`, [name]: proof }
    assert.equal((await fetch(`${stage.url}/orders/1`, { headers })).status, 200, name)
    assert.deepEqual(stage.spy.requests.at(-1)?.values('authorization'), [`DPoP ${token}`])
  }
  // Nor where nobody asks for one.
  const unasked = alice.prove({ token, uri: `${stage.url}/orders/open` })
  assert.equal((await fetch(`${stage.url}/orders/open`, { headers: { dpop: unasked } })).status, 200)
  const unbound = presenting(stage.token(), unasked, 'Bearer')
  assert.equal((await fetch(`${stage.url}/orders/1`, { headers: unbound })).status, 200)
  assert.equal(stage.spy.requests.length, 5)
  assert.doesNotMatch(stage.spy.bytes(), /^dpop:/im)
})

test('DP-19: no output holds a proof or its jti', async (t) => {
  const stage = await startSpied(t)
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  const proof = alice.prove({ token, uri: `${stage.url}/orders/1`, claims: { jti: 'a-jti-of-ours' } })
  const answers: string[] = []
  for (const sent of [proof, proof, `${proof}x`]) {
    const response = await fetch(`${stage.url}/orders/1`, { headers: presenting(token, sent) })
    answers.push(JSON.stringify([...response.headers]), await response.text())
  }
  const outputs = [...answers, await stage.logText(), await stage.metrics()].join('\n')
  assert.match(outputs, /proof_replayed/)
  assert.match(outputs, /proof_invalid/)
  assert.doesNotMatch(outputs, /a-jti-of-ours/)
  for (const part of proof.split('.')) assert.ok(!outputs.includes(part))
})
