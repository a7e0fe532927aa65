import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { certificateEnds, createCertificates } from '../src/certificates.ts'
import type { TlsOptions } from '../src/http/options.ts'
import type { UpstreamTls } from '../src/upstream/options.ts'
import { certificateFiles, secretVolume } from './support/certificate-files.ts'
import { eventually } from './support/eventually.ts'
import { configOf } from './support/gateway.ts'
import { createManualClock } from './support/manual-clock.ts'
import { issuerYaml } from './support/orders.ts'
import { type Identity, issue } from './support/tls.ts'

const ca = issue('ca', { ca: true })
const endOf = (seconds: number): Date => new Date(seconds * 1000)
const [first, second, third] = [2_000_000_001, 2_000_000_002, 2_000_000_003].map((end) =>
  issue(`ends ${end}`, { by: ca, notAfter: endOf(end) }),
) as [Identity, Identity, Identity]

interface Files {
  readonly listen?: Readonly<Record<string, string>>
  /** `tls` of each upstream, by its name. */
  readonly upstreams?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const loaded = ({ listen, upstreams = {} }: Files) => {
  const entries = Object.entries(upstreams).map(([name, tls], index) => [
    `https://127.0.0.1:${4000 + index}`,
    { resource: `https://api.test/${name}`, name, tls },
  ])
  return configOf(
    `listen: ${JSON.stringify({ address: '127.0.0.1:0', ...(listen && { tls: listen }) })}\n${issuerYaml()}` +
      `upstreams: ${JSON.stringify(Object.fromEntries(entries))}\n`,
  )
}

/** The certificates of a config, with those who use them written down. */
const follow = async (
  t: TestContext,
  config: ReturnType<typeof loaded>,
  shared?: { renewTls(tls: UpstreamTls): void },
) => {
  const clock = createManualClock()
  const told: string[] = []
  const shown: Pick<TlsOptions, 'certificate' | 'key' | 'clientCa'>[] = []
  const renewed: [pool: number, tls: UpstreamTls][] = []
  const certificates = createCertificates(config, {
    listener: { setCertificate: (tls) => shown.push(tls) },
    pools: config.upstreams.map(
      ({ resource: { index } }) => shared ?? { renewTls: (tls) => renewed.push([index, tls]) },
    ),
    clock,
    events: {
      changed: (name, notAfter) => told.push(`${name} changed ${notAfter}`),
      kept: (name, fault) => told.push(`${name} kept: ${fault}`),
    },
  })
  t.after(certificates.close)
  const used = [config.listen.tls, ...config.upstreams.map(({ options }) => options.tls)]
  const sets = new Set(
    used.map((tls) =>
      Object.values(tls?.files ?? {})
        .filter((file) => file !== undefined)
        .join(),
    ),
  )
  sets.delete('')
  const rested = () =>
    eventually('every look is over', () => clock.waiting().filter((ms) => ms >= 5000).length === sets.size)
  await rested()
  return {
    ...certificates,
    clock,
    told,
    shown,
    renewed,
    look: async () => {
      certificates.check()
      await rested()
    },
    /** Waits for an event, and lets it come to rest. */
    settle: async () => {
      await eventually('an event', () => clock.waiting().includes(250))
      clock.advance(250)
      await rested()
    },
  }
}

test('a new certificate of the listener is found by itself and told with its end', async (t) => {
  const files = certificateFiles(t)
  const config = loaded({ listen: files.identity('tls', first) })
  const { shown, told, settle } = await follow(t, config)
  assert.deepEqual(told, [])
  files.identity('tls', second)
  await settle()
  assert.deepEqual(
    shown.map(({ certificate, key, clientCa }) => [certificate, key, clientCa]),
    [[second.cert, second.key, undefined]],
  )
  assert.deepEqual(told, ['listen changed 2000000002'])
})

test('what was written between the load and the start of watching is not missed', async (t) => {
  const files = certificateFiles(t)
  const config = loaded({ listen: files.identity('tls', first) })
  files.identity('tls', second)
  assert.deepEqual((await follow(t, config)).told, ['listen changed 2000000002'])
})

test('operations 4.5: a certificate and a key that do not belong together leave the old pair, until they do', async (t) => {
  const files = certificateFiles(t)
  const config = loaded({ listen: files.identity('tls', first) })
  const { shown, told, look } = await follow(t, config)
  files.write('tls.crt', second.cert)
  await look()
  assert.deepEqual(told, ['listen kept: this is not the private key of the certificate'])
  assert.equal(shown.length, 0)
  files.write('tls.key', second.key)
  await look()
  assert.deepEqual(told.slice(1), ['listen changed 2000000002'])
})

for (const [what, crt, key, fault] of [
  ['is half written', second.cert.slice(0, -100), second.key, 'holds a certificate that is cut off'],
  [
    'lacks the end of its chain',
    second.cert + ca.cert.slice(0, 200),
    second.key,
    'holds a certificate that is cut off',
  ],
  ['is empty', '', second.key, 'is empty'],
  ['comes with half a key', second.cert, second.key.slice(0, 80), 'holds no private key in PEM form'],
] as const) {
  test(`a certificate that ${what} leaves the old one, is told without what it holds, and counts when it is whole`, async (t) => {
    const files = certificateFiles(t)
    const config = loaded({ listen: files.identity('tls', first) })
    const { shown, told, look } = await follow(t, config)
    files.identity('tls', { cert: crt, key })
    await look()
    await look()
    assert.equal(told.length, 1)
    assert.ok(told[0]?.startsWith('listen kept: ') && told[0].includes(fault), told[0])
    for (const line of (second.key + second.cert).split('\n').filter(({ length }) => length > 30)) {
      assert.ok(!told[0]?.includes(line))
    }
    assert.equal(shown.length, 0)
    files.identity('tls', second)
    await look()
    assert.deepEqual(told.slice(1), ['listen changed 2000000002'])
  })
}

test('files that vanish leave the old certificate; the same ones back are no change', async (t) => {
  const files = certificateFiles(t)
  const names = files.identity('tls', first)
  const { told, shown, look } = await follow(t, loaded({ listen: names }))
  rmSync(names.key)
  await look()
  assert.deepEqual(told, [`listen kept: the file \`${names.key}\` does not exist`])
  files.identity('tls', first)
  await look()
  assert.equal(told.length, 1)
  assert.equal(shown.length, 0)
})

test('a certificate that cannot be used after all ends nothing', async (t) => {
  const files = certificateFiles(t)
  const config = loaded({ upstreams: { orders: files.identity('own', first) } })
  let calls = 0
  const { told, look } = await follow(t, config, {
    renewTls: () => {
      if (calls++ === 0) throw new Error(second.key)
    },
  })
  files.identity('own', second)
  await look()
  assert.deepEqual(told, ['upstream:orders kept: OpenSSL refuses what the files hold'])
  files.identity('own', third)
  await look()
  assert.deepEqual(told.slice(1), ['upstream:orders changed 2000000003'])
})

test('the CAs of client certificates are read again', async (t) => {
  const files = certificateFiles(t)
  const other = issue('other ca', { ca: true })
  files.write('ca.crt', ca.cert)
  const listen = { ...files.identity('tls', first), client_certificates: 'require', client_ca: files.path('ca.crt') }
  const { shown, look } = await follow(t, loaded({ listen }))
  files.write('ca.crt', other.cert)
  await look()
  assert.deepEqual(
    shown.map(({ certificate, clientCa }) => [certificate, clientCa]),
    [[first.cert, other.cert]],
  )
})

test('each set of files is followed for itself: a broken one holds back no other', async (t) => {
  const files = certificateFiles(t)
  const config = loaded({
    listen: files.identity('tls', first),
    upstreams: { orders: files.identity('orders', first), stock: files.identity('stock', first) },
  })
  const { told, renewed, look } = await follow(t, config)
  files.write('orders.key', 'broken')
  files.identity('tls', second)
  files.identity('stock', third)
  await look()
  assert.deepEqual(told.toSorted(), [
    'listen changed 2000000002',
    `upstream:orders kept: the file \`${files.path('orders.key')}\` holds no private key in PEM form that can be read without a passphrase`,
    'upstream:stock changed 2000000003',
  ])
  assert.deepEqual(
    renewed.map(([pool, { certificate, key }]) => [pool, certificate, key]),
    [[1, third.cert, third.key]],
  )
})

test('upstreams that share files are read together, and each keeps the name that it asks for', async (t) => {
  const files = certificateFiles(t)
  const own = files.identity('own', first)
  files.write('ca.crt', ca.cert)
  const tls = { ...own, ca_file: files.path('ca.crt') }
  const config = loaded({
    upstreams: { a: { ...tls, server_name: 'a.test' }, b: { ...tls, server_name: 'b.test' }, c: tls },
  })
  const { clock, told, renewed, look } = await follow(t, config)
  assert.equal(clock.waiting().length, 1)
  files.identity('own', second)
  await look()
  assert.deepEqual(
    renewed.map(([pool, renewedTls]) => [pool, renewedTls.serverName, renewedTls.certificate, renewedTls.ca]),
    [
      [0, 'a.test', second.cert, ca.cert],
      [1, 'b.test', second.cert, ca.cert],
      [2, undefined, second.cert, ca.cert],
    ],
  )
  assert.deepEqual(
    told,
    ['a', 'b', 'c'].map((name) => `upstream:${name} changed 2000000002`),
  )
})

test('upstreams that share a pool renew it once', async (t) => {
  const files = certificateFiles(t)
  const own = files.identity('own', first)
  let renewals = 0
  const { look } = await follow(t, loaded({ upstreams: { a: own, b: own } }), { renewTls: () => renewals++ })
  files.identity('own', second)
  await look()
  assert.equal(renewals, 1)
})

test('an upstream whose CAs alone are ours to read has no certificate that could end', async (t) => {
  const files = certificateFiles(t)
  files.write('ca.crt', ca.cert)
  const config = loaded({ upstreams: { a: { ca_file: files.path('ca.crt') }, b: { server_name: 'b.test' } } })
  assert.deepEqual(certificateEnds(config), {})
  const { clock, told, renewed, look } = await follow(t, config)
  assert.equal(clock.waiting().length, 1)
  const other = issue('other ca', { ca: true })
  files.write('ca.crt', other.cert)
  await look()
  assert.deepEqual(told, ['upstream:a changed undefined'])
  assert.equal(renewed[0]?.[1].ca, other.cert)
})

test('the ends of all certificates are known by the names under which their changes are told', (t) => {
  const files = certificateFiles(t)
  const config = loaded({
    listen: files.identity('tls', first),
    upstreams: { orders: files.identity('orders', second), open: { server_name: 'open.test' } },
  })
  assert.deepEqual(certificateEnds(config), { listen: 2_000_000_001, 'upstream:orders': 2_000_000_002 })
})

test('50 swaps of a Kubernetes Secret are 50 changes, and nothing waits after the end', async (t) => {
  const contents = ({ cert, key }: Identity) => ({ 'tls.crt': cert, 'tls.key': key })
  const { path, swap } = secretVolume(t, contents(first))
  const config = loaded({ listen: { certificate: path('tls.crt'), key: path('tls.key') } })
  const { clock, told, close, look } = await follow(t, config)
  for (let round = 0; round < 50; round++) {
    swap(contents(round % 2 === 0 ? second : first))
    await look()
  }
  assert.equal(told.length, 50)
  assert.ok(told.every((text) => text.startsWith('listen changed')))
  close()
  assert.deepEqual(clock.waiting(), [])
})

test('without files nothing is watched', async (t) => {
  const { clock } = await follow(t, loaded({ upstreams: { a: { server_name: 'a.test' } } }))
  assert.deepEqual(clock.waiting(), [])
})
