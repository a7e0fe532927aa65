import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { requireJudge } from './judge.ts'

const GOOD = readFileSync('test/helm/strict/testdata/good.yaml', 'utf8')
const judged = { namespace: 'apps', external: ['elsewhere'] }

/** Kind, path in it, value to put there (undefined: to delete), and what must be said about it. */
type Fault = readonly [kind: string, path: string, value: unknown, said: RegExp]

const POD = 'spec.template.spec'
const GATE = `${POD}.containers.0`

const faults: readonly Fault[] = [
  ['ConfigMap', 'dat', {}, /unknown field "dat"/],
  ['Secret', 'data', { key: 'not base64!' }, /illegal base64/],
  ['Secret', 'Type', 'Opaque', /unknown field "Type"/],
  ['ServiceAccount', 'automountServiceAccountToken', 'never', /cannot unmarshal string/],
  ['ServiceAccount', 'metadata.name', 'Gate', /metadata.name: .*lower case/],
  ['ServiceAccount', 'metadata.name', 'a'.repeat(64), /no more than 63/],
  [
    'ServiceAccount',
    'metadata.labels',
    { instance: 'a'.repeat(64) },
    /metadata.labels: .*no more than 63|must be no more than 63/,
  ],
  ['ServiceAccount', 'metadata.namespace', undefined, /metadata.namespace: missing \(CH-10\)/],
  ['ServiceAccount', 'metadata.namespace', 'other', /metadata.namespace: "other", expected "apps"/],
  ['ServiceAccount', 'apiVersion', 'v2', /not a kind that is known/],
  ['PodDisruptionBudget', 'apiVersion', 'policy/v1beta1', /not a kind that is known/],
  ['Deployment', 'spec.Replicas', 1, /unknown field "spec.Replicas"/],
  ['Deployment', `${GATE}.imagePullPolicyy`, 'Always', /unknown field .*imagePullPolicyy/],
  ['Deployment', `${GATE}.imagePullPolicy`, 'Sometimes', /imagePullPolicy: Unsupported value/],
  ['Deployment', `${GATE}.image`, undefined, /image: Required value/],
  ['Deployment', `${GATE}.resources.requests.memory`, '64Mb', /quantities must match|64Mb/],
  ['Deployment', `${GATE}.volumeMounts.0.name`, 'other', /volumeMounts\[0\].name: Not found/],
  ['Deployment', `${GATE}.volumeMounts.0.subPath`, 'audgate.yaml', /subPath is never updated/],
  ['Deployment', `${GATE}.volumeMounts`, [], /volume config is mounted nowhere/],
  ['Deployment', `${GATE}.readinessProbe.httpGet.port`, 'metrics', /readinessProbe: the container has no port metrics/],
  ['Deployment', `${GATE}.lifecycle.preStop.httpGet.port`, 1, /preStop: the container has no port 1/],
  ['Deployment', `${GATE}.ports.1.name`, 'beside', /port name "beside" is used twice/],
  ['Deployment', `${GATE}.ports.1.containerPort`, 8080, /warning: .*duplicate port/],
  ['Deployment', `${GATE}.securityContext.capabilities`, undefined, /restricted:latest: unrestricted capabilities/],
  ['Deployment', `${POD}.securityContext.runAsNonRoot`, undefined, /runAsNonRoot != true/],
  ['Deployment', `${POD}.initContainers.0.securityContext`, undefined, /allowPrivilegeEscalation != false/],
  ['Deployment', `${POD}.hostNetwork`, true, /host namespaces/],
  ['Deployment', `${POD}.serviceAccountName`, 'other', /needs the ServiceAccount "other"/],
  ['Deployment', `${POD}.volumes.0.configMap.name`, 'other', /needs the ConfigMap "other"/],
  ['Deployment', `${GATE}.env.0.valueFrom.secretKeyRef.name`, 'other', /needs the Secret "other"/],
  ['Deployment', `${GATE}.envFrom.0.secretRef.name`, 'other', /needs the Secret "other"/],
  [
    'Deployment',
    `${POD}.topologySpreadConstraints.0.labelSelector.matchLabels.app`,
    'other',
    /topologySpreadConstraints\[0\] does not count/,
  ],
  [
    'Deployment',
    'spec.template.metadata.labels.app',
    'other',
    /selector. does not match template|must match|does not match/,
  ],
  ['Deployment', 'spec.replicas', 2, /has replicas, which every upgrade would set again \(CH-2\)/],
  ['Pod', 'spec.containers.0.securityContext', undefined, /Pod apps\/gate-test: pod security/],
  ['Pod', 'metadata.labels.app', 'gate', /hits Pod apps\/gate-test, which is no workload/],
  ['Service', 'spec.selector.app', 'other', /Service apps\/gate: its selector hits 0 workloads/],
  ['Service', 'spec.ports.0.targetPort', 'web', /goes to port web, which .* does not have/],
  ['Service', 'spec.ports.1.targetPort', 1234, /goes to port 1234, which .* does not have/],
  ['Service', 'spec.ports.1.name', undefined, /spec.ports\[1\].name: Required value/],
  ['Service', 'spec.type', 'Public', /spec.type: Unsupported value/],
  ['HorizontalPodAutoscaler', 'spec.scaleTargetRef.name', 'other', /scales Deployment other, which is not there/],
  ['HorizontalPodAutoscaler', 'spec.minReplicas', 9, /spec.maxReplicas: .*greater than or equal/],
  [
    'HorizontalPodAutoscaler',
    'spec.metrics.0.containerResource.container',
    'other',
    /measures container other, which is not there/,
  ],
  ['PodDisruptionBudget', 'spec.selector.matchLabels.app', 'other', /hits 0 workloads/],
  ['PodDisruptionBudget', 'spec.minAvailable', 1, /minAvailable and maxUnavailable cannot be both set/],
  ['NetworkPolicy', 'spec.podSelector.matchLabels.app', 'other', /hits 0 workloads/],
  ['NetworkPolicy', 'spec.ingress.0.ports.0.port', 'web', /admits port web, which/],
  ['NetworkPolicy', 'spec.ingress.0.from', [{ ipBlock: { cidr: '10.0.0.0' } }], /cidr: Invalid value/],
  ['Ingress', 'spec.rules.0.http.paths.0.pathType', undefined, /pathType: Required value/],
  ['Ingress', 'spec.rules.0.http.paths.0.backend.service.name', 'other', /sends to the Service other/],
  ['Ingress', 'spec.rules.0.http.paths.0.backend.service.port.name', 'web', /sends to port web/],
  ['HTTPRoute', 'spec.rules.0.backendRefs.0.port', 81, /sends to port 81/],
  ['HTTPRoute', 'spec.rules.0.matchs', [], /unknown field "spec.rules\[0\].matchs"/],
  ['ServiceMonitor', 'spec.selector.matchLabels.app', 'other', /hits 0 Services, not one/],
  ['ServiceMonitor', 'spec.endpoints.0.port', 'metrics', /scrapes port "metrics", which Service gate does not have/],
  ['ServiceMonitor', 'spec.endpoints.0.intervall', '1s', /unknown field/],
  ['PodMonitor', 'spec.selector.matchLabels.app', 'other', /hits 0 workloads/],
  ['PodMonitor', 'spec.podMetricsEndpoints.0.port', 'metrics', /scrapes a port that .* does not have/],
  ['PodMonitor', 'spec.podMetricsEndpoint', [], /unknown field/],
  ['PrometheusRule', 'spec.groups.0.rules.0.alerts', 'x', /unknown field/],
]

const spoilt = ([kind, path, value]: Fault): string => {
  const documents = parseAllDocuments(GOOD)
  const one = documents.find((document) => document.get('kind') === kind)
  assert.ok(one, kind)
  const keys = path.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key))
  if (value === undefined) one.deleteIn(keys)
  else one.setIn(keys, value)
  return documents.map(String).join('---\n')
}

test('the good manifests of every kind have no problem', async (t) => {
  const judge = requireJudge(t)
  if (judge) assert.deepEqual(await judge(GOOD, judged), [])
})

for (const fault of faults) {
  const [kind, path, value] = fault
  test(`${kind}: ${path} ${value === undefined ? 'missing' : `= ${JSON.stringify(value)}`} is a problem`, async (t) => {
    const judge = requireJudge(t)
    if (judge) assert.match((await judge(spoilt(fault), judged)).join('\n'), fault[3])
  })
}

const whole: Readonly<Record<string, readonly [text: string, said: RegExp]>> = {
  'nothing at all': ['# nothing\n---\n', /there is no object in it/],
  'a key that is written twice': [
    GOOD.replace('spec: { maxUnavailable: 1,', 'spec: { maxUnavailable: 1, maxUnavailable: 2,'),
    /already set|duplicate/,
  ],
  'an object that is there twice': [
    `${GOOD}---\n${GOOD.split('---\n')[0]}`,
    /ServiceAccount apps\/gate: is there twice/,
  ],
  'what is no YAML': ['a: [', /input: /],
}

for (const [title, [text, said]] of Object.entries(whole)) {
  test(`${title} is a problem`, async (t) => {
    const judge = requireJudge(t)
    if (judge) assert.match((await judge(text, judged)).join('\n'), said)
  })
}
