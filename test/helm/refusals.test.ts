import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFile } from '../support/audgate-process.ts'
import { CHART, refusal, requireHelms, run } from './chart.ts'

type Refused = readonly [title: string, values: unknown, said: RegExp]

const upstream = (more: unknown) => ({ config: { upstreams: { 'http://orders:3000': more } } })

/** The schema says these; it names the key. */
const bySchema: readonly Refused[] = [
  ['a key that the chart does not know', { replicas: 3 }, /replicas/],
  ['a misspelt key of a map', { image: { repo: 'x' } }, /repo/],
  ['a number that is none', { replicaCount: 'three' }, /replicaCount/],
  ['a mode of reload that is none', { reload: { mode: 'sometimes' } }, /mode/],
  ['a pull policy that is none', { image: { pullPolicy: 'Sometimes' } }, /pullPolicy/],
  ['a digest that is none', { image: { digest: 'latest' } }, /digest/],
  ['a typo at the top of the config', { config: { isuers: {} } }, /isuers/],
  ['a typo in an issuer', { config: { issuers: { main: { isuer: 'https://a.example' } } } }, /isuer|main/],
  ['a typo in an upstream', upstream({ resource: 'https://api.example.com', scops: 'a' }), /scops|orders:3000/],
  ['a typo in the listener', { config: { listen: { adress: '0.0.0.0:1' } } }, /adress|listen/],
  ['a group that is taken out', { autoscaling: null }, /autoscaling/],
  ['a group of a group that is taken out', { metrics: { podMonitor: null } }, /podMonitor/],
  // Rendered, they would be no replicas, no port, and a token of the Kubernetes API in every pod.
  ['a number of replicas that is taken out', { replicaCount: null }, /replicaCount/],
  ['a port that is taken out', { admin: { port: null } }, /port/],
  [
    'a switch that is taken out',
    { serviceAccount: { automountServiceAccountToken: null } },
    /automountServiceAccountToken/,
  ],
  [
    'a mode of an upstream that is none',
    upstream({ resource: 'https://a.example', mode: 'lenient' }),
    /mode|orders:3000/,
  ],
]

/** Each value is good alone; together they are not. */
const byTemplate: readonly Refused[] = [
  [
    'CH-1: config and existingConfigMap',
    { existingConfigMap: 'mine', ...upstream('https://api.example.com/orders') },
    /`config` and `existingConfigMap`/,
  ],
  [
    'CH-1: config with a key of the listener alone, and existingConfigMap',
    { existingConfigMap: 'mine', config: { log: { level: 'info' } } },
    /`config` and `existingConfigMap`/,
  ],
  ['CH-1: configFiles and existingConfigMap', { existingConfigMap: 'mine', configFiles: { a: 'b' } }, /`configFiles`/],
  [
    'CH-4: a grace period that is too short for the drain',
    { terminationGracePeriodSeconds: 39 },
    /terminationGracePeriodSeconds.* 39.* 40/,
  ],
  [
    'CH-4: a grace period that is too short for the drain of the config',
    { terminationGracePeriodSeconds: 60, config: { listen: { timeouts: { drain: '2m' } } } },
    /terminationGracePeriodSeconds.* 60.* 130/,
  ],
  ['an admin listener that no kubelet reaches', { config: { admin: '127.0.0.1:9090' } }, /config\.admin/],
  ['no admin listener', { config: { admin: false } }, /config\.admin/],
  ['a traffic listener that no Service reaches', { config: { listen: '127.0.0.1:8080' } }, /loopback/],
  ['both listeners on one port', { listen: { port: 9090 } }, /port 9090/],
  ['secrets mounted into the config', { secrets: { mountPath: '/etc/audgate/secrets' } }, /secrets\.mountPath/],
  ['a config file that is the config', { configFiles: { 'audgate.yaml': '' } }, /audgate\.yaml/],
  [
    'more replicas at least than at most',
    { autoscaling: { enabled: true, minReplicas: 9, maxReplicas: 3 } },
    /minReplicas/,
  ],
  ['an autoscaler that measures nothing', { autoscaling: { enabled: true, targetCPU: 0 } }, /without a metric/],
  [
    'an autoscaler without the request that it measures by',
    { autoscaling: { enabled: true }, resources: { requests: { cpu: null } } },
    /requests\.cpu/,
  ],
  ['a route without a Gateway', { httpRoute: { enabled: true } }, /parentRefs/],
  ['an Ingress without a host', { ingress: { enabled: true } }, /ingress\.hosts/],
]

for (const [title, values, said] of bySchema) {
  test(`CT-11: the schema refuses ${title} and names the key`, async (t) => {
    for (const helm of requireHelms(t)) {
      assert.match(await refusal(helm, { values }), said)
      const { status, stdout, stderr } = await run(helm.program, [
        'lint',
        '--strict',
        CHART,
        '--values',
        temporaryFile(t, 'values.yaml', JSON.stringify(values)),
      ])
      assert.notEqual(status, 0, helm.name)
      assert.match(stdout + stderr, said)
    }
  })
}

for (const [title, values, said] of byTemplate) {
  test(`${title.startsWith('CH-') ? '' : 'operations 1.3: '}${title} is refused with what to do`, async (t) => {
    for (const helm of requireHelms(t)) {
      const text = await refusal(helm, { values })
      assert.match(text, /ERROR: /)
      assert.match(text, said)
    }
  })
}

test('every contradiction is said at once', async (t) => {
  for (const helm of requireHelms(t)) {
    const text = await refusal(helm, { values: { httpRoute: { enabled: true }, ingress: { enabled: true } } })
    assert.equal(text.match(/ERROR: /g)?.length, 2)
  }
})
