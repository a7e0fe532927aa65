import assert from 'node:assert/strict'
import { test } from 'node:test'
import { thumbprintOf } from '../../src/http/client-certificate.ts'
import { issue } from '../support/tls.ts'
import { startOverTls } from '../support/tls-stage.ts'

const [alice, mallory] = [issue('alice'), issue('mallory')]
const base64 = alice.der.toString('base64')
const hex = Buffer.from(thumbprintOf(alice.der), 'base64url').toString('hex')

test('MT-5: a forged field is not believed and goes no further, with a certificate on the connection and without', async (t) => {
  const bound = { cnf: { 'x5t#S256': thumbprintOf(alice.der) } }
  for (const client_certificates of ['ignore', 'request', 'require']) {
    const stage = await startOverTls(t, { client_certificates })
    for (const own of client_certificates === 'require' ? [mallory] : [mallory, undefined]) {
      for (const line of [
        `Client-Cert: :${base64}:`,
        `client-cert: :${base64}:`,
        `X-Forwarded-Client-Cert: Hash=${hex}`,
        `X-Forwarded-Client-Cert: Cert="${encodeURIComponent(alice.cert)}"`,
        `Client_Cert: :${base64}:`,
      ]) {
        const name = `${client_certificates} ${own?.name} ${line.slice(0, 30)}`
        const refused = await stage.ask(bound, [line], own)
        assert.match(refused, /^HTTP\/1\.1 401 [\s\S]*"reason":"(?:proof_missing|binding_mismatch)"/, name)
        const before = stage.spy.requests.length
        const lines = [line, `Client-Cert-Chain: :${base64}:`, 'X-Kept: 1']
        assert.match(await stage.ask({}, lines, own), /^HTTP\/1\.1 200 /, name)
        assert.equal(stage.spy.requests.length, before + 1)
        assert.deepEqual(stage.spy.requests.at(-1)?.values('x-kept'), ['1'])
      }
    }
    assert.doesNotMatch(stage.spy.bytes(), /client.cert/i)
    assert.ok(!stage.spy.bytes().includes(base64.slice(0, 60)))
  }
})
