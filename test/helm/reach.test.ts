import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, configOf, containerOf, manifestsOf, only } from './chart.ts'
import { inBoth, kinds } from './rule.ts'

test(
  'CH-7: the ServiceMonitor scrapes the admin port of the one Service that has it',
  inBoth(async (rendered) => {
    const text = await rendered({ metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } })
    const port = at(only('ServiceMonitor', text), 'spec.endpoints.0.port')
    const services = manifestsOf(text).filter((one) => one.kind === 'Service')
    const named = services.filter((one) => JSON.stringify(at(one, 'spec.ports')).includes(`"name":"${port}"`))
    assert.equal(named.length, 1)
    assert.equal(at(named[0], 'spec.ports.0.port'), 9090)
    // What is not ready is what somebody wants to look at.
    assert.equal(at(named[0], 'spec.publishNotReadyAddresses'), true)
  }),
)

test(
  'the admin port is in no Service of traffic',
  inBoth(async (rendered) => {
    const text = await rendered({ service: { type: 'LoadBalancer' } })
    const services = manifestsOf(text).filter((one) => one.kind === 'Service' && at(one, 'spec.clusterIP') !== 'None')
    assert.deepEqual(
      services.map((one) => at(one, 'spec.ports')),
      [[{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', appProtocol: 'http' }]],
    )
  }),
)

test(
  'operations 1.3: monitors and rules are rendered without asking what the cluster knows',
  inBoth(async (rendered) => {
    const on = { enabled: true }
    const text = await rendered({
      metrics: { serviceMonitor: on, podMonitor: on, prometheusRule: on },
      httpRoute: { ...on, parentRefs: [{ name: 'edge' }] },
    })
    for (const kind of ['ServiceMonitor', 'PodMonitor', 'PrometheusRule', 'HTTPRoute'])
      assert.ok(kinds(text).includes(kind), kind)
  }),
)

test(
  'CH-8: a NetworkPolicy admits traffic and the admin port, whoever else is let in',
  inBoth(async (rendered) => {
    const from = [{ podSelector: { matchLabels: { app: 'edge' } } }]
    for (const networkPolicy of [
      {},
      { ingressFrom: from },
      { metricsFrom: from },
      { ingressFrom: from, metricsFrom: from },
    ]) {
      const policy = only('NetworkPolicy', await rendered({ networkPolicy: { enabled: true, ...networkPolicy } }))
      const rules = at(policy, 'spec.ingress') as readonly { readonly ports?: readonly { readonly port: unknown }[] }[]
      const open = rules.flatMap(({ ports = [] }) => ports.map(({ port }) => port))
      // By name or by number.
      assert.ok(
        open.some((port) => port === 'admin' || port === 9090),
        JSON.stringify(open),
      )
      assert.ok(
        open.some((port) => port === 'http' || port === 8080),
        JSON.stringify(open),
      )
    }
  }),
)

test(
  'CH-8: who restricts both ports still lets the pod of `helm test` in',
  inBoth(async (rendered) => {
    const from = [{ podSelector: { matchLabels: { app: 'edge' } } }]
    const text = await rendered({ networkPolicy: { enabled: true, ingressFrom: from, metricsFrom: from } })
    const labels = only('Pod', text).metadata.labels ?? {}
    for (const rule of ['spec.ingress.0', 'spec.ingress.1']) {
      const selector = at(only('NetworkPolicy', text), `${rule}.from.1.podSelector.matchLabels`)
      const wanted = Object.entries((selector ?? {}) as Readonly<Record<string, string>>)
      assert.ok(wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value), JSON.stringify(selector))
    }
  }),
)

test(
  'operations 1.4: the ports follow the values and the config',
  inBoth(async (rendered) => {
    const ports = async (values: unknown): Promise<unknown> => {
      const found = at(containerOf(await rendered(values)), 'ports') as readonly { readonly containerPort: number }[]
      return found.map(({ containerPort }) => containerPort)
    }
    assert.deepEqual(await ports({ listen: { port: 8000 }, admin: { port: 9000 } }), [8000, 9000])
    assert.deepEqual(await ports({ config: { listen: '0.0.0.0:8443' } }), [8443, 9090])
    assert.deepEqual(await ports({ config: { listen: { address: '[::]:8444' } } }), [8444, 9090])
    const text = await rendered({ listen: { port: 8000, host: '[::]' }, admin: { port: 9000 } })
    assert.match(configOf(text), /^admin: '?"?\[::\]:9000/m)
    assert.match(configOf(text), /address: '?"?\[::\]:8000/)
  }),
)
