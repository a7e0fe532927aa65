import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { thumbprintOf } from '../../src/http/client-certificate.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { type SpiedStage, startSpied } from '../support/spy.ts'
import { type Identity, issue } from '../support/tls.ts'
import { startOverTls } from '../support/tls-stage.ts'

const [alice, mallory, proxy] = [issue('alice'), issue('mallory'), issue('proxy')]
const field = ({ der }: Identity): string => `Client-Cert: :${der.toString('base64')}:`
const envoys = ({ der, cert }: Identity): string =>
  `X-Forwarded-Client-Cert: By=spiffe://a/b;Hash=${createHash('sha256').update(der).digest('hex')};Cert="${encodeURIComponent(cert)}";Subject="CN=alice";URI=`
const bound = { cnf: { 'x5t#S256': thumbprintOf(alice.der) } }

const ask = async (stage: SpiedStage, lines: readonly string[], claims: object = bound): Promise<string> => {
  const authorization = `Authorization: Bearer ${stage.token({ ...claims })}`
  const { text } = await sendRaw(
    stage.port,
    requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', authorization, ...lines]),
    { until: wholeAnswer },
  )
  return verdict(text)
}

const verdict = (text: string): string => /"reason":"([a-z_]+)"/.exec(text)?.[1] ?? text.slice(9, 12)

test('MT-4: behind a trusted proxy its `Client-Cert` or `X-Forwarded-Client-Cert` is the certificate', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1'] } })
  for (const [lines, expected] of [
    [[field(alice)], '200'],
    [[`CLIENT-CERT:${field(alice).slice(12)} \t`], '200'],
    [[envoys(alice)], '200'],
    [[field(alice), envoys(alice)], '200'],
    [[], 'proof_missing'],
    [[field(mallory)], 'binding_mismatch'],
    [[envoys(mallory)], 'binding_mismatch'],
    // What cannot be believed is none, and not the other one.
    [[field(alice), envoys(mallory)], 'proof_missing'],
    [[field(mallory), field(alice)], 'proof_missing'],
    [[field(alice), field(alice)], 'proof_missing'],
    [[`${field(alice)}, :AAAA:`], 'proof_missing'],
    [[`${field(alice)};a=1`], 'proof_missing'],
    [[`Client-Cert: ${alice.der.toString('base64')}`], 'proof_missing'],
    [['Client-Cert:', envoys(alice)], 'proof_missing'],
    [[envoys(alice), envoys(alice)], 'proof_missing'],
    [[`Client-Cert-Chain: :${alice.der.toString('base64')}:`], 'proof_missing'],
    [[field(alice).replaceAll('-', '_')], 'proof_missing'],
  ] as const) {
    const before = stage.spy.requests.length
    assert.equal(await ask(stage, lines), expected, lines.join('\n'))
    assert.equal(stage.spy.requests.length - before, expected === '200' ? 1 : 0)
  }
  // A good answer before is no reason to believe less the next time.
  assert.equal(await ask(stage, []), 'proof_missing')
})

test('MT-4, MT-5: neither field goes on, whether it was believed, or not asked for', async (t) => {
  for (const trusted_proxies of [['127.0.0.1'], ['10.0.0.0/8'], []]) {
    const stage = await startSpied(t, { listen: { trusted_proxies } })
    assert.equal(await ask(stage, [field(alice), envoys(alice), 'Client-Cert-Chain: :AAAA:'], {}), '200')
    assert.doesNotMatch(stage.spy.bytes(), /client.cert/i)
  }
})

test('MT-4: from a peer that is no trusted proxy the fields say nothing, which is the default', async (t) => {
  for (const trusted_proxies of [[], ['10.0.0.0/8']]) {
    const stage = await startSpied(t, { listen: { trusted_proxies } })
    for (const line of [field(alice), envoys(alice)]) assert.equal(await ask(stage, [line]), 'proof_missing')
    assert.equal(stage.spy.connections(), 0)
  }
})

test('MT-4: the certificate that a proxy itself shows here is never its client’s', async (t) => {
  const stage = await startOverTls(
    t,
    { client_certificates: 'require' },
    { listen: { trusted_proxies: ['127.0.0.1'] } },
  )
  const proxys = { cnf: { 'x5t#S256': thumbprintOf(proxy.der) } }
  assert.equal(verdict(await stage.ask(proxys, [], proxy)), 'proof_missing')
  assert.equal(verdict(await stage.ask(proxys, ['Client-Cert: ::'], proxy)), 'proof_missing')
  assert.equal(verdict(await stage.ask(bound, [field(alice)], proxy)), '200')
  assert.equal(verdict(await stage.ask(proxys, [field(alice)], proxy)), 'binding_mismatch')
})
