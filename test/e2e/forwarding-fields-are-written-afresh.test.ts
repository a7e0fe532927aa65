import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loggedRequests } from '../support/logged.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { type SpiedStage, startSpied, type WireRequest } from '../support/spy.ts'

const ask = async (stage: SpiedStage, lines: readonly string[], first = 'GET /orders/1 HTTP/1.1') => {
  const answer = await sendRaw(stage.port, requestBytes([first, 'Host: gw.test', stage.authorization, ...lines]), {
    until: wholeAnswer,
  })
  const seen = stage.spy.requests.at(-1)
  assert.ok(seen, answer.text)
  return { answer, seen }
}

const forwarding = (seen: WireRequest) => ({
  for: seen.values('x-forwarded-for'),
  proto: seen.values('x-forwarded-proto'),
  host: seen.values('x-forwarded-host'),
  forwarded: seen.values('forwarded'),
})

const fresh = {
  for: ['127.0.0.1'],
  proto: ['http'],
  host: ['gw.test'],
  forwarded: ['for=127.0.0.1;host="gw.test";proto=http'],
}

const spoofed = [
  'X-Forwarded-For: 203.0.113.9',
  'x-forwarded-for: 203.0.113.10',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: evil.test',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Prefix: //evil.test',
  'X-Forwarded-Uri: /public',
  'X-Forwarded-Method: DELETE',
  'X-Forwarded-Anything: x',
  'Forwarded: for=203.0.113.9;proto=https;host=evil.test',
  'X-Real-IP: 203.0.113.9',
  'True-Client-IP: 203.0.113.9',
  'CF-Connecting-IP: 203.0.113.9',
  'X-Client-IP: 203.0.113.9',
  'X-Cluster-Client-IP: 203.0.113.9',
  'Client-Cert: :AAAA:',
  'Client-Cert-Chain: :AAAA:',
  'X-Original-URL: /public',
  'X-Original-Host: evil.test',
  'X-Rewrite-URL: /public',
  'X-HTTP-Method: DELETE',
  'X-HTTP-Method-Override: DELETE',
  'X-Method-Override: DELETE',
]

/** `X_Forwarded_For`, `X.Forwarded.For`: what CGI-style upstreams fold into the real name. */
const folded = spoofed.flatMap((line) => {
  const colon = line.indexOf(':')
  const [name, value] = [line.slice(0, colon), line.slice(colon)]
  return ['_', '.'].map((mark) => name.replaceAll('-', mark) + value).concat(name.replace('-', '_') + value)
})

test('FW-1, FW-6, FW-9, RT-12, UR-21: what a stranger says of the way here, of path or method, does not go on', async (t) => {
  const stage = await startSpied(t)
  const { seen } = await ask(stage, [...spoofed, ...folded])
  assert.deepEqual(forwarding(seen), fresh)
  assert.doesNotMatch(seen.fields.join('\n'), /203\.0\.113|evil|DELETE|\/public|AAAA/)
  for (const [name] of seen.fields) assert.match(name, /^[A-Za-z0-9-]+$/)
  assert.equal((await loggedRequests(stage)).at(-1)?.remote_address, '127.0.0.1')
})

test('CVE-2024-45806: a private address is a stranger too while `trusted_proxies` is empty; another network does not help', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['10.0.0.0/8', '::1/128', '128.0.0.0/1'] } })
  const { seen } = await ask(stage, spoofed)
  assert.deepEqual(forwarding(seen), fresh)
})

test('FW-2, FW-3: a trusted proxy is believed, and the chain is one line that ends with its address', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.0/8', '10.0.0.0/8'] } })
  const { seen } = await ask(stage, [
    'X-Forwarded-For: 198.51.100.1, 203.0.113.9',
    'X-Forwarded-For: 10.1.2.3',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: shop.test',
    'X-Forwarded-Port: 443',
    'Forwarded: for="203.0.113.9:4711";proto=https',
    'Forwarded: for=10.1.2.3;proto=http',
  ])
  assert.deepEqual(forwarding(seen), {
    for: ['198.51.100.1, 203.0.113.9, 10.1.2.3, 127.0.0.1'],
    proto: ['https'],
    host: ['shop.test'],
    forwarded: [
      'for="203.0.113.9:4711";proto=https, for=10.1.2.3;proto=http, for=127.0.0.1;host="gw.test";proto=https',
    ],
  })
  assert.deepEqual(seen.values('x-forwarded-port'), [])
  // From the right, the first that is no trusted proxy: the left-most entry is the client's own word.
  assert.equal((await loggedRequests(stage)).at(-1)?.remote_address, '203.0.113.9')
})

test('FW-4: a chain or `Forwarded` of a trusted proxy that breaks the grammar is discarded whole', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1'] } })
  for (const line of [
    'Forwarded: for=203.0.113.9;host="a";proto=https;by=evil"',
    'Forwarded: for=[2001:db8::1]',
    'Forwarded: for=1.2.3.4 ; proto=https',
    'Forwarded: nothing',
    'X-Forwarded-For: 203.0.113.9, unknown',
    'X-Forwarded-For: 203.0.113.9,',
    'X-Forwarded-Host: ,a',
    'X-Forwarded-Host: a;proto=https',
    'X-Forwarded-Proto: https, http',
    'X-Forwarded-Proto: wss',
  ]) {
    const { seen } = await ask(stage, [line])
    assert.deepEqual(forwarding(seen), fresh, line)
  }
})

test('FW-2, FW-4: a client that breaks its entry does not take along what the proxies in front of us wrote', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1'] } })
  for (const [i, made] of ['', 'unknown', '<script>', '203.0.113.1, x', ','].entries()) {
    const { seen } = await ask(stage, [`X-Forwarded-For: ${made}, 203.0.113.9`])
    assert.deepEqual(seen.values('x-forwarded-for'), ['203.0.113.9, 127.0.0.1'], made)
    assert.equal((await loggedRequests(stage, i + 1)).at(-1)?.remote_address, '203.0.113.9')
  }
})

test('FW-7: where the two fields of a trusted proxy name two clients, or two hosts, neither is believed', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1', '10.0.0.0/8'] } })
  const { seen } = await ask(stage, [
    'X-Forwarded-For: 203.0.113.9, 10.1.2.3',
    'X-Forwarded-Host: shop.test',
    'Forwarded: for=192.0.2.1;host=evil.test, for=10.1.2.3;host=inner.test',
  ])
  assert.equal((await loggedRequests(stage)).at(-1)?.remote_address, '10.1.2.3')
  assert.deepEqual(seen.values('x-forwarded-host'), ['gw.test'])
})

test('FW-2, FW-6: host and scheme are those that the outermost trusted proxy saw, not what its client made up', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1', '10.0.0.0/8'], require_https: true } })
  for (const [i, lines] of [
    [
      'Forwarded: for=_x;host=evil.test;proto=http',
      'Forwarded: for=203.0.113.9;host=shop.test;proto=https, for=10.1.2.3;host=inner.test;proto=http',
    ],
    [
      'X-Forwarded-For: 192.0.2.1, 203.0.113.9, 10.1.2.3',
      'X-Forwarded-Proto: http, https, http',
      'X-Forwarded-Host: evil.test, shop.test, inner.test',
    ],
  ].entries()) {
    const { seen } = await ask(stage, lines)
    assert.deepEqual(seen.values('x-forwarded-host'), ['shop.test'])
    assert.deepEqual(seen.values('x-forwarded-proto'), ['https'])
    assert.equal((await loggedRequests(stage, i + 1)).at(-1)?.remote_address, '203.0.113.9')
  }
})

test('a chain of 5,000 addresses is one request among others', async (t) => {
  const stage = await startSpied(t, {
    listen: { trusted_proxies: ['127.0.0.1', '10.0.0.0/8'], limits: { header_size: '64KiB' } },
  })
  const { seen, answer } = await ask(stage, [`X-Forwarded-For: ${Array(5000).fill('10.0.0.2').join(',')}`])
  assert.equal(answer.status, 200)
  assert.equal(seen.values('x-forwarded-for')[0]?.split(',').length, 101)
})

test('FW-7: where the fields of a trusted proxy disagree about TLS, it was plain HTTP', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1'], require_https: true } })
  const ask = (lines: readonly string[]) =>
    sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, ...lines]), {
      until: wholeAnswer,
    })
  for (const lines of [
    [],
    ['X-Forwarded-Proto: https', 'Forwarded: for=1.2.3.4;proto=http'],
    ['X-Forwarded-Proto: http', 'Forwarded: for=1.2.3.4;proto=https'],
    ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'],
    ['Forwarded: for="x;proto=https"'],
    ['Forwarded: for=1.2.3.4;proto=https, for=1.2.3.4;proto=http'],
  ]) {
    const { status, text } = await ask(lines)
    assert.equal(status, 403, `${lines}`)
    assert.match(text, /"reason":"https_required"/)
  }
  assert.equal(stage.spy.connections(), 0)
  for (const lines of [
    ['X-Forwarded-Proto: https'],
    ['X-Forwarded-Proto: HTTPS', 'Forwarded: for=1.2.3.4;Proto="https"'],
    ['Forwarded: for=1.2.3.4;proto=https'],
  ]) {
    assert.equal((await ask(lines)).status, 200, `${lines}`)
  }
})

test('HS-4: `Via` carries the version received and our pseudonym, after what was there', async (t) => {
  const stage = await startSpied(t)
  const own = /^1\.1 audgate-[0-9a-f]+$/
  const { seen } = await ask(stage, [])
  assert.match(seen.values('via').join('|'), own)
  const { seen: chained } = await ask(stage, ['Via: 1.0 fred', 'Via: 1.1 p.example (x)'])
  const [chain = ''] = chained.values('via')
  assert.equal(chained.values('via').length, 1)
  assert.ok(chain.startsWith('1.0 fred, 1.1 p.example (x), '), chain)
  const { seen: old } = await ask(stage, [], 'GET /orders/1 HTTP/1.0')
  assert.match(old.values('via').join('|'), /^1\.0 audgate-/)
})

test('the request id is a trusted proxy’s word only, is sent on, and is always answered', async (t) => {
  const stranger = await startSpied(t)
  const proxied = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1'] } })
  const lines = ['X-Request-Id: chosen-by-the-client']
  const spoof = await ask(stranger, [...lines, 'X_Request_Id: chosen-by-the-client'])
  const [id = ''] = spoof.seen.values('x-request-id')
  assert.match(id, /^[0-9a-f-]{36}$/)
  assert.ok(spoof.answer.text.includes(`X-Request-Id: ${id}\r\n`))
  assert.doesNotMatch(spoof.seen.fields.join(), /chosen/)
  const believed = await ask(proxied, lines)
  assert.deepEqual(believed.seen.values('x-request-id'), ['chosen-by-the-client'])
  assert.match(believed.answer.text, /X-Request-Id: chosen-by-the-client\r\n/)
})
