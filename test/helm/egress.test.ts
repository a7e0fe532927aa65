import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, only, render, requireHelms } from './chart.ts'

const ports = (...numbers: readonly number[]) => numbers.map((port) => ({ port, protocol: 'TCP' }))
const namespaces = (...names: readonly string[]) =>
  names.map((name) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } }))

const DNS = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
    { port: 5353, protocol: 'UDP' },
    { port: 5353, protocol: 'TCP' },
  ],
}
const R = 'https://api.test/r'
const main = { main: 'https://as.test/oidc' }
const proxy = { to: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ports: ports(3128) }

interface Case {
  readonly title: string
  readonly values: Readonly<Record<string, unknown>>
  readonly extraEgress?: readonly unknown[]
  /** Beyond DNS; `everything`: all egress. */
  readonly egress: readonly unknown[] | 'everything'
}

const cases: readonly Case[] = [
  { title: 'nothing is configured: DNS alone', values: {}, egress: [] },
  {
    title: 'an issuer by its URL alone: its port',
    values: { config: { issuers: main } },
    egress: [{ ports: ports(443) }],
  },
  {
    title: 'key sets, introspection and metadata elsewhere: their ports, not that of an issuer that nobody calls',
    values: {
      config: {
        issuers: {
          a: { issuer: 'https://a.test:1001', keys: { jwks_uri: 'https://a.test:1002/jwks' } },
          b: { issuer: 'https://b.test:1003', metadata_url: 'https://b.test:1004/meta' },
          c: { issuer: 'https://c.test:1005', keys: { jwks_file: 'c.json' } },
          d: {
            issuer: 'https://d.test:1006',
            keys: { jwks_file: 'd.json' },
            introspection: { client_id: 'gate', client_secret_file: 'secret' },
          },
          e: {
            issuer: 'https://e.test:1007',
            keys: { jwks_file: 'e.json' },
            introspection: { endpoint: 'https://e.test:1008/ask', client_id: 'gate', client_secret_file: 'secret' },
          },
        },
      },
    },
    egress: [{ ports: ports(1002, 1004, 1006, 1008) }],
  },
  {
    title: 'upstreams outside the cluster, with the port of the scheme, by address, and their replicas',
    values: {
      config: {
        upstreams: {
          'http://www.a.example': R,
          'https://b.example/base': [`${R}2`, { resource: `${R}3`, replicas: ['http://[2001:db8::1]:2001'] }],
          'http://10.0.0.9:2002': { resource: `${R}4`, replicas: ['http://10.0.0.10:2003'] },
        },
      },
    },
    egress: [{ ports: ports(2002, 2003, 80, 443, 2001) }],
  },
  {
    title: 'names of the cluster: their namespace with every port, because a policy sees the port of the pod',
    values: {
      config: {
        store: { url: 'redis://valkey.stores.svc:6379' },
        upstreams: { 'http://orders': R, 'http://billing.shop.svc.cluster.local:8080/v1': `${R}2` },
      },
    },
    egress: [{ to: namespaces('apps', 'shop', 'stores') }],
  },
  {
    title: 'names that may be of the cluster or not: the namespace and the port',
    values: {
      config: {
        upstreams: {
          'http://orders.shop': R,
          'http://billing.finance.svc.corp.example:3001': `${R}2`,
          'http://valkey-0.valkey.stores.svc.corp.example:3002': `${R}3`,
          'http://svc.api.example:3003': `${R}4`,
          'https://partner.example:3005': `${R}6`,
          'http://10.0.0.9:3004': `${R}5`,
        },
      },
    },
    egress: [{ to: namespaces('finance', 'shop', 'stores') }, { ports: ports(3004, 3001, 80, 3003, 3002, 3005) }],
  },
  {
    title: 'sockets and loopback need none',
    values: {
      config: { upstreams: { 'unix:/run/a.sock': R, 'http://127.0.0.1:3000': `${R}2`, 'http://[::1]:3000': `${R}3` } },
    },
    egress: [],
  },
  {
    title: 'a store outside the cluster',
    values: { config: { store: 'rediss://redis.example/0' } },
    egress: [{ ports: ports(6379) }],
  },
  {
    title: 'extraEgress comes on top',
    values: { config: { issuers: main } },
    extraEgress: [proxy],
    egress: [{ ports: ports(443) }, proxy],
  },
  {
    title: 'an address from the environment: nobody knows, so everything is open',
    values: { config: { upstreams: { 'http://${ORDERS}': R } } },
    egress: 'everything',
  },
  {
    title: 'an address from the environment, and extraEgress that says it',
    values: { config: { upstreams: { 'http://${ORDERS}': R } } },
    extraEgress: [proxy],
    egress: [proxy],
  },
  { title: 'a config that the chart does not know', values: { existingConfigMap: 'mine' }, egress: 'everything' },
]

for (const { title, values, extraEgress = [], egress } of cases) {
  test(`CH-8: egress, ${title}`, async (t) => {
    for (const helm of requireHelms(t)) {
      const text = await render(helm, { values: { ...values, networkPolicy: { enabled: true, extraEgress } } })
      const found = at(only('NetworkPolicy', text), 'spec.egress')
      assert.deepEqual(found, egress === 'everything' ? [{}] : [DNS, ...egress], helm.name)
    }
  })
}
