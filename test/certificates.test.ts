import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificateEnds, renewedCertificates } from '../src/certificates.ts'
import { certificateFiles } from './support/certificate-files.ts'
import { configOf } from './support/gateway.ts'
import { issuerYaml } from './support/orders.ts'
import { type Identity, issue } from './support/tls.ts'

const ca = issue('ca', { ca: true })
const [first, second] = [2_000_000_001, 2_000_000_002].map((end) =>
  issue(`ends ${end}`, { by: ca, notAfter: new Date(end * 1000) }),
) as [Identity, Identity]

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

test('the ends of all certificates are known by their names; CAs alone have none', (t) => {
  const files = certificateFiles(t)
  files.write('ca.crt', ca.cert)
  const config = loaded({
    listen: files.identity('tls', first),
    upstreams: {
      orders: files.identity('orders', second),
      stock: { ca_file: files.path('ca.crt') },
      open: { server_name: 'open.test' },
    },
  })
  assert.deepEqual(certificateEnds(config), { listen: 2_000_000_001, 'upstream:orders': 2_000_000_002 })
})

test('a certificate, or a CA, that is another in the same file was renewed; the others were not', (t) => {
  const files = certificateFiles(t)
  files.write('ca.crt', ca.cert)
  const own = files.identity('own', first)
  const written = {
    listen: files.identity('tls', first),
    upstreams: { a: own, b: { ca_file: files.path('ca.crt') }, c: files.identity('c', first), d: own },
  }
  const before = loaded(written)
  assert.deepEqual(renewedCertificates(before, loaded(written)), [])
  files.identity('own', second)
  files.write('ca.crt', issue('other ca', { ca: true }).cert)
  assert.deepEqual(renewedCertificates(before, loaded(written)), ['upstream:a', 'upstream:b', 'upstream:d'])
  files.identity('tls', second)
  assert.deepEqual(renewedCertificates(before, loaded(written)), ['listen', 'upstream:a', 'upstream:b', 'upstream:d'])
})

test('a certificate from another file, or for an upstream that is new, is a setting and no renewal', (t) => {
  const files = certificateFiles(t)
  const before = loaded({ upstreams: { a: files.identity('a', first) } })
  const next = loaded({ upstreams: { a: files.identity('other', second), b: files.identity('b', second) } })
  assert.deepEqual(renewedCertificates(before, next), [])
})
