import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { CHART, render, requireHelms } from './chart.ts'

const HERE = '{{ .Release.Name }}-templated'
const port = { name: HERE, containerPort: 1 }
const container = { name: HERE, image: 'x', ports: [port] }

/** An entry for every list of values.yaml, with a template in it, and what must be on for the list to be rendered. */
const lists: Readonly<Record<string, readonly [entry: unknown, on?: Readonly<Record<string, unknown>>]>> = {
  'global.imagePullSecrets': [HERE],
  imagePullSecrets: [{ name: HERE }],
  'service.loadBalancerSourceRanges': [HERE, { service: { type: 'LoadBalancer' } }],
  'metrics.serviceMonitor.relabelings': [{ targetLabel: HERE }, { metrics: { serviceMonitor: { enabled: true } } }],
  'metrics.serviceMonitor.metricRelabelings': [
    { targetLabel: HERE },
    { metrics: { serviceMonitor: { enabled: true } } },
  ],
  'metrics.podMonitor.relabelings': [{ targetLabel: HERE }, { metrics: { podMonitor: { enabled: true } } }],
  'metrics.podMonitor.metricRelabelings': [{ targetLabel: HERE }, { metrics: { podMonitor: { enabled: true } } }],
  resizePolicy: [{ resourceName: HERE, restartPolicy: 'NotRequired' }],
  'autoscaling.extraMetrics': [{ type: 'Pods', pods: { metric: { name: HERE } } }, { autoscaling: { enabled: true } }],
  'networkPolicy.ingressFrom': [{ podSelector: { matchLabels: { app: HERE } } }, { networkPolicy: { enabled: true } }],
  'networkPolicy.metricsFrom': [{ podSelector: { matchLabels: { app: HERE } } }, { networkPolicy: { enabled: true } }],
  'networkPolicy.extraEgress': [
    { to: [{ podSelector: { matchLabels: { app: HERE } } }] },
    { networkPolicy: { enabled: true } },
  ],
  'httpRoute.parentRefs': [{ name: HERE }, { httpRoute: { enabled: true } }],
  'httpRoute.hostnames': [HERE, { httpRoute: { enabled: true, parentRefs: [{ name: 'edge' }] } }],
  'httpRoute.matches': [
    { path: { value: `/${HERE}` } },
    { httpRoute: { enabled: true, parentRefs: [{ name: 'edge' }] } },
  ],
  'httpRoute.filters': [{ type: HERE }, { httpRoute: { enabled: true, parentRefs: [{ name: 'edge' }] } }],
  'ingress.hosts': [{ host: HERE }, { ingress: { enabled: true } }],
  'ingress.tls': [{ secretName: HERE }, { ingress: { enabled: true, hosts: [{ host: 'a.example' }] } }],
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: HERE, whenUnsatisfiable: 'DoNotSchedule' }],
  tolerations: [{ key: HERE }],
  hostAliases: [{ ip: '192.0.2.1', hostnames: [HERE] }],
  extraArgs: [HERE],
  extraEnv: [{ name: 'X', value: HERE }],
  extraEnvFrom: [{ secretRef: { name: HERE } }],
  extraVolumes: [{ name: 'x', configMap: { name: HERE } }],
  extraVolumeMounts: [{ name: 'x', mountPath: `/${HERE}` }],
  extraContainers: [container],
  extraInitContainers: [{ ...container, restartPolicy: 'Always' }],
  extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: HERE } }],
}

// The entries of these are of a closed set: names of alerts of ours, words of Kubernetes.
const CLOSED: ReadonlySet<string> = new Set([
  'metrics.prometheusRule.disabled',
  'securityContext.capabilities.drop',
  'service.ipFamilies',
])

const listsOf = (value: unknown, path: readonly string[] = []): readonly string[] => {
  if (Array.isArray(value)) return [path.join('.')]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => listsOf(member, [...path, key]))
}

const merged = (under: unknown, over: unknown): unknown => {
  if (typeof under !== 'object' || under === null || Array.isArray(under)) return over
  const result: Record<string, unknown> = { ...under }
  for (const [key, value] of Object.entries(over as object)) {
    result[key] = key in result ? merged(result[key], value) : value
  }
  return result
}

test('CH-11: every list of values.yaml has its case here', () => {
  const there = listsOf(parse(readFileSync(`${CHART}/values.yaml`, 'utf8'))).filter((path) => !CLOSED.has(path))
  assert.deepEqual(Object.keys(lists).toSorted(), there.toSorted())
})

for (const [path, [entry, on = {}]] of Object.entries(lists)) {
  test(`CH-11: templates in ${path} are run`, async (t) => {
    const keys = path.split('.')
    const list = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), [entry])
    const values = merged(on, list)
    for (const helm of requireHelms(t)) {
      const text = await render(helm, { values })
      assert.match(text, /gate-templated/)
      assert.doesNotMatch(text, /\{\{ /)
    }
  })
}
