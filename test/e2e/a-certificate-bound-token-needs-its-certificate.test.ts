import assert from 'node:assert/strict'
import { test } from 'node:test'
import { thumbprintOf } from '../../src/http/client-certificate.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { issue } from '../support/tls.ts'
import { startOverTls } from '../support/tls-stage.ts'

const ca = issue('client ca', { ca: true })
const alice = issue('alice', { by: ca })
const aliceAgain = issue('alice', { by: ca, keyOf: alice })
const mallory = issue('mallory', { by: ca })
const selfSigned = issue('self-signed')
const own = thumbprintOf(alice.der)
const boundTo = (...names: readonly string[]) => ({ cnf: { 'x5t#S256': names[0] ?? own } })

const verdict = (text: string): string => /"reason":"([a-z_]+)"/.exec(text)?.[1] ?? text.slice(9, 12)

test('MT-1, MT-2, MT-3: a bound token is good with its own certificate only, whoever signed that', async (t) => {
  const stage = await startOverTls(t, { client_certificates: 'request' })
  for (const [claims, client, expected] of [
    [boundTo(), alice, '200'],
    [boundTo(thumbprintOf(selfSigned.der)), selfSigned, '200'],
    [{}, alice, '200'],
    [{}, undefined, '200'],
    [boundTo(), mallory, 'binding_mismatch'],
    [boundTo(), selfSigned, 'binding_mismatch'],
    // The same name and the same key: what is compared is the certificate.
    [boundTo(), aliceAgain, 'binding_mismatch'],
    [boundTo(), undefined, 'proof_missing'],
    [boundTo(`${own}=`), alice, 'binding_mismatch'],
    [boundTo(own.toLowerCase()), alice, 'binding_mismatch'],
    [boundTo(Buffer.from(own, 'base64url').toString('hex')), alice, 'binding_mismatch'],
    [boundTo(''), alice, 'binding_mismatch'],
    [boundTo(''), undefined, 'proof_missing'],
  ] as const) {
    const before = stage.spy.requests.length
    const text = await stage.ask(claims, [], client)
    assert.equal(verdict(text), expected, `${JSON.stringify(claims)} ${client?.name}`)
    assert.equal(stage.spy.requests.length - before, expected === '200' ? 1 : 0)
    if (expected !== '200')
      assert.match(text, /^HTTP\/1\.1 401 [\s\S]*\r\nWWW-Authenticate: Bearer [^\r]*error="invalid_token"/)
  }
})

test('MT-2: a bound token is no bearer token where there are no client certificates, nor TLS', async (t) => {
  const encrypted = await startOverTls(t)
  assert.equal(verdict(await encrypted.ask(boundTo(), [], alice)), 'proof_missing')
  assert.equal(encrypted.spy.connections(), 0)
  const plain = await startSpied(t)
  const answer = await sendRaw(
    plain.port,
    requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${plain.token(boundTo())}`]),
    { until: wholeAnswer },
  )
  assert.equal(verdict(answer.text), 'proof_missing')
  assert.equal(plain.spy.connections(), 0)
})

test('CN-1: a certificate does not stand for what else a token is bound to', async (t) => {
  const stage = await startOverTls(t, { client_certificates: 'request' })
  for (const [cnf, expected] of [
    [{ 'x5t#S256': own, kid: '1' }, '200'],
    [{ 'x5t#S256': own, jkt: own }, 'proof_missing'],
    [{ jkt: own }, 'proof_missing'],
    [{ x: 1 }, 'proof_missing'],
  ] as const) {
    assert.equal(verdict(await stage.ask({ cnf }, [], alice)), expected, JSON.stringify(cnf))
  }
  assert.equal(stage.spy.requests.length, 1)
})

test('MT-2: where binding is required, a certificate does not make an unbound token good', async (t) => {
  const stage = await startOverTls(t, { client_certificates: 'request' }, { entry: { sender_constrained: true } })
  assert.equal(verdict(await stage.ask({}, [], alice)), 'binding_mismatch')
  assert.equal(verdict(await stage.ask(boundTo(), [], alice)), '200')
})

test('with `client_ca` a certificate that the CA did not sign is none', async (t) => {
  const stage = await startOverTls(t, { client_certificates: 'request', client_ca: ca })
  assert.equal(verdict(await stage.ask(boundTo(), [], alice)), '200')
  assert.equal(verdict(await stage.ask(boundTo(thumbprintOf(selfSigned.der)), [], selfSigned)), 'proof_missing')
})

test('a token that was proven on one connection is judged anew on the next, and for each of them by its own certificate', async (t) => {
  const stage = await startOverTls(t, { client_certificates: 'request' })
  const bytes = requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${stage.token(boundTo())}`])
  const verdicts: string[] = []
  for (const client of [alice, mallory, undefined, alice]) {
    const connection = await stage.converse(client)
    connection.say(bytes)
    verdicts.push(verdict(await connection.hear('an answer', wholeAnswer)))
  }
  assert.deepEqual(verdicts, ['200', 'binding_mismatch', 'proof_missing', '200'])
})

test('BR-26: neither the thumbprint nor anything else of a certificate is in a log, an answer or a metric', async (t) => {
  const stage = await startOverTls(t, { client_certificates: 'request' }, { extra: 'log: { level: trace }' })
  const outputs = [
    await stage.ask(boundTo(), [], alice),
    await stage.ask(boundTo(), [], mallory),
    await stage.ask(boundTo(), [`Client-Cert: :${alice.der.toString('base64')}:`]),
    await stage.logText(),
    await stage.metrics(),
  ]
  for (const der of [alice.der, mallory.der]) {
    const print = Buffer.from(thumbprintOf(der), 'base64url')
    const traces = [print.toString('base64url'), print.toString('hex'), der.toString('base64').slice(0, 60)]
    for (const output of outputs) for (const trace of traces) assert.ok(!output.includes(trace))
  }
})
