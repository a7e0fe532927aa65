import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, only, render, requireHelms } from './chart.ts'
import { chartWith } from './copied-chart.ts'

const shown = {
  'templates/shown.yaml': 'kind: Notes\ntext: {{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}\n',
}

const orders = {
  issuers: { main: 'https://auth.example.com' },
  upstreams: { 'http://orders:3000': 'https://api.example.com/orders' },
}
const config = (more: unknown) => ({ config: { ...orders, ...(more as object) } })
const exposed = { httpRoute: { enabled: true, parentRefs: [{ name: 'edge' }] } }
const listen = { trusted_proxies: ['10.0.0.0/8'] }
const tls = { certificate: '/etc/audgate-secrets/tls/tls.crt', key: '/etc/audgate-secrets/tls/tls.key' }
const monitors = { metrics: { serviceMonitor: { enabled: true } } }
const several = /store: memory.* several/s

/** Values, what the notes say then, and values near them with which they do not. */
type Noted = readonly [values: unknown, said: RegExp, otherwise: unknown]

const noted: Readonly<Record<string, Noted>> = {
  'without upstreams every request is refused': [{}, /WARNING: no upstreams configured/, config({})],
  'without issuers no token is accepted': [config({ issuers: {} }), /WARNING: no issuers configured/, config({})],
  'several replicas with a store in memory': [config({}), several, config({ store: 'redis://redis:6379/0' })],
  'several workers with a store in memory': [
    { ...config({ workers: 4 }), replicaCount: 1 },
    several,
    { ...config({}), replicaCount: 1 },
  ],
  'a check that is switched off': [
    config({ issuers: { main: { issuer: 'http://auth.example.com', dangerously_allow_http: true } } }),
    /WARNING: `dangerously_allow_http` is on/,
    config({ issuers: { main: { issuer: 'http://auth.example.com', dangerously_allow_http: false } } }),
  ],
  'a proxy that is not trusted': [
    { ...config({}), ...exposed },
    /trusted_proxies` is empty/,
    { ...config({ listen }), ...exposed },
  ],
  'a proxy must be told of TLS behind it': [
    { ...config({ listen: { tls } }), ...exposed },
    /NOTE: with `config\.listen\.tls`.*BackendTLSPolicy/s,
    { ...config({}), ...exposed },
  ],
  'and so must an Ingress': [
    { ...config({ listen: { tls } }), ingress: { enabled: true, hosts: [{ host: 'api.example.com' }] } },
    /NOTE: with `config\.listen\.tls`.*annotation/s,
    config({ listen: { tls } }),
  ],
  'a watched config is loaded without a restart': [{}, /reload +watch/, { reload: { mode: 'restart' } }],
  'a changed config rolls the pods': [{ reload: { mode: 'restart' } }, /reload +restart: a changed config rolls/, {}],
  'a ConfigMap of somebody else must listen where the chart says': [
    { existingConfigMap: 'mine' },
    /NOTE: `existingConfigMap`.*admin: "0\.0\.0\.0:9090"/s,
    {},
  ],
  'a changed ConfigMap of somebody else needs a restart': [
    { existingConfigMap: 'mine', reload: { mode: 'restart' } },
    /rollout restart deploy\/gate-audgate/,
    { existingConfigMap: 'mine' },
  ],
  'a ServiceMonitor without labels may be overlooked': [
    monitors,
    /without labels: ServiceMonitor.*release: NAME-OF-ITS-RELEASE/s,
    { metrics: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } } } },
  ],
  'two monitors scrape every pod twice': [
    { metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } },
    /every pod is scraped twice/,
    monitors,
  ],
  'a password in the URL of the store is in a ConfigMap': [
    config({ store: 'redis://gate:not-a-secret@redis:6379/0' }),
    /WARNING: the URL of `config\.store` holds a password/,
    config({ store: 'redis://gate:${PASSWORD}@redis:6379/0' }),
  ],
  'and so is one in the map of the store': [
    config({ store: { url: 'rediss://:not-a-secret@redis:6379' } }),
    /WARNING: the URL of `config\.store` holds a password/,
    config({ store: { url: 'rediss://gate@redis:6379' } }),
  ],
  'rules without a monitor ask for a job that nobody scrapes': [
    { metrics: { prometheusRule: { enabled: true } } },
    /WARNING: a PrometheusRule without a monitor.*job gate-audgate/,
    { metrics: { prometheusRule: { enabled: true }, podMonitor: { enabled: true } } },
  ],
  'secrets in the values are kept in the release': [
    { secrets: { files: { a: 'b' } } },
    /NOTE: `secrets\.files`/,
    { secrets: { existingSecret: 'a' } },
  ],
  'without a memory limit the heap has none': [{ resources: { limits: null } }, /no memory limit/, {}],
  'a budget of zero blocks every drain': [
    { pdb: { maxUnavailable: 0 } },
    /blocks every drain/,
    { pdb: { maxUnavailable: 1 } },
  ],
}

for (const [title, [values, said, otherwise]] of Object.entries(noted)) {
  test(`CT-12: the notes say it: ${title}`, async (t) => {
    const chart = chartWith(t, shown)
    for (const helm of requireHelms(t)) {
      const notes = async (given: unknown): Promise<string> =>
        String(at(only('Notes', await render(helm, { chart, values: given })), 'text'))
      assert.match(await notes(values), said)
      assert.doesNotMatch(await notes(otherwise), said)
    }
  })
}

test('CT-12: the notes show no secret and no template', async (t) => {
  const chart = chartWith(t, shown)
  for (const helm of requireHelms(t)) {
    const files = ['helm/audgate/ci/everything-values.yaml', 'helm/audgate/ci/environment-values.yaml']
    for (const file of files) {
      const notes = String(at(only('Notes', await render(helm, { chart, files: [file] })), 'text'))
      assert.doesNotMatch(notes, /\{\{|<no value>|not-a-secret|%!/)
      assert.match(notes, /^Audgate \d/)
    }
  }
})
