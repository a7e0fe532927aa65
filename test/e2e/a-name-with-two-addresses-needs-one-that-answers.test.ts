import assert from 'node:assert/strict'
import dns, { type LookupAddress, type LookupOptions } from 'node:dns'
import { type TestContext, test } from 'node:test'
import { startBlockedListener } from '../support/blocked-listener.ts'
import { overTcp } from '../support/faulty-upstream.ts'
import { freePort } from '../support/free-port.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startReplicated } from '../support/replicas.ts'

type Found = (error: Error | null, found: string | LookupAddress[], family?: number) => void

/** For the time of the test the name is one of these addresses; all others are what they were. */
const resolveTo = (t: TestContext, name: string, addresses: readonly string[]): void => {
  const { lookup } = dns
  const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  t.mock.method(dns, 'lookup', (asked: string, options: LookupOptions, found: Found) => {
    if (asked !== name) return Reflect.apply(lookup, dns, [asked, options, found])
    if (options.all) return found(null, all)
    return found(null, all[0]?.address ?? '', all[0]?.family ?? 4)
  })
}

const ask = (port: number) =>
  sendRaw(port, requestBytes(['POST /x HTTP/1.1', 'Host: a', 'Content-Length: 0']), {
    until: wholeAnswer,
    quietMs: 5000,
  })

test('RFC 8305: an address that refuses, or does not answer, is passed over for the next one of the name', async (t) => {
  for (const [dead, port, live] of [
    ['127.0.0.9', 0, '127.0.0.1'],
    ['::1', 0, '127.0.0.1'],
  ] as const) {
    const { url } = await overTcp({})(t)
    resolveTo(t, 'two.test', [dead, live])
    const stage = await startReplicated(t, [`http://two.test:${port || new URL(url).port}`], {
      timeouts: { connect: '2s' },
    })
    const { text } = await ask(stage.port)
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\/x$/, dead)
    t.mock.restoreAll()
  }
})

test('ER-1: a name of which no address answers is 502, and 504 where one of them was waited for', async (t) => {
  const refused = await freePort()
  const blocked = await startBlockedListener(t)
  for (const [port, addresses, status, reason] of [
    [refused, ['127.0.0.1', '127.0.0.9'], 502, 'upstream_unreachable'],
    [blocked, ['127.0.0.9', '127.0.0.1'], 504, 'upstream_timeout'],
    [blocked, ['127.0.0.1', '127.0.0.9'], 504, 'upstream_timeout'],
  ] as const) {
    resolveTo(t, 'two.test', addresses)
    const stage = await startReplicated(t, [`http://two.test:${port}`], { timeouts: { connect: '900ms' } })
    const answer = await ask(stage.port)
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.text, new RegExp(`"reason":"${reason}"`))
    assert.doesNotMatch(answer.text, /two\.test|127\.0\.0/)
    t.mock.restoreAll()
  }
})
