import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, configOf, containerOf, KUBERNETES, only } from './chart.ts'
import { inBoth, kinds, pod } from './rule.ts'

const orders = {
  issuers: { main: 'https://auth.example.com' },
  upstreams: { 'http://orders:3000': 'https://api.example.com/orders' },
}

const annotations = (text: string): Readonly<Record<string, unknown>> => ({
  ...(at(only('Deployment', text), 'spec.template.metadata.annotations') as object | undefined),
})

test(
  'CH-1: existingConfigMap alone is mounted, and no ConfigMap is made',
  inBoth(async (rendered) => {
    const text = await rendered({ existingConfigMap: 'mine' })
    assert.equal(pod(text, 'volumes.0.configMap.name'), 'mine')
    assert.ok(!kinds(text).includes('ConfigMap'))
  }),
)

test(
  'CH-2: an autoscaler scales the Deployment, which then has no replicas',
  inBoth(async (rendered) => {
    assert.equal(at(only('Deployment', await rendered({ replicaCount: 4 })), 'spec.replicas'), 4)
    const text = await rendered({ autoscaling: { enabled: true, minReplicas: 3 } })
    assert.equal(at(only('Deployment', text), 'spec.replicas'), undefined)
    assert.equal(at(only('HorizontalPodAutoscaler', text), 'spec.minReplicas'), 3)
  }),
)

test(
  'CH-3: a disruption budget is there from two replicas on, and lets one pod go',
  inBoth(async (rendered) => {
    const budget = async (values: unknown): Promise<boolean> =>
      kinds(await rendered(values)).includes('PodDisruptionBudget')
    assert.equal(await budget({ replicaCount: 1 }), false)
    assert.equal(await budget({ replicaCount: 0 }), false)
    assert.equal(await budget({ replicaCount: 2 }), true)
    assert.equal(await budget({ replicaCount: 2, pdb: { enabled: false } }), false)
    // The replicas that count are those of the autoscaler, where there is one.
    assert.equal(await budget({ replicaCount: 5, autoscaling: { enabled: true, minReplicas: 1 } }), false)
    assert.equal(await budget({ replicaCount: 1, autoscaling: { enabled: true, minReplicas: 2 } }), true)
    const { maxUnavailable, unhealthyPodEvictionPolicy } = at(
      only('PodDisruptionBudget', await rendered()),
      'spec',
    ) as {
      readonly maxUnavailable: unknown
      readonly unhealthyPodEvictionPolicy: unknown
    }
    assert.deepEqual([maxUnavailable, unhealthyPodEvictionPolicy], [1, 'AlwaysAllow'])
  }),
)

test(
  'CH-4: the grace period is the delay, the drain and 5 s, as the config has them',
  inBoth(async (rendered) => {
    const grace = async (values?: unknown): Promise<unknown> =>
      pod(await rendered(values), 'terminationGracePeriodSeconds')
    assert.equal(await grace(), 40)
    const longer = await rendered({ shutdown: { preStopSleepSeconds: 10, drainSeconds: 60 } })
    assert.equal(pod(longer, 'terminationGracePeriodSeconds'), 75)
    assert.match(configOf(longer), /drain: 60s\n +drain_delay: 10s/)
    assert.equal(await grace({ config: { listen: { timeouts: { drain: '2m', drain_delay: '1500ms' } } } }), 127)
    assert.equal(await grace({ terminationGracePeriodSeconds: 41 }), 41)
  }),
)

test(
  'CH-4: who brings a config brings the delay too, but where the kubelet can sleep it does',
  inBoth(async (rendered) => {
    const hook = async (kubernetes: string): Promise<unknown> =>
      at(containerOf(await rendered({ existingConfigMap: 'mine' }, { kubernetes })), 'lifecycle.preStop.sleep.seconds')
    assert.equal(await hook('1.30.0'), 5)
    assert.equal(await hook(KUBERNETES[1]), 5)
    // Behind a gate in 1.29: a server would drop the field, and leave a hook that does nothing, which it refuses.
    assert.equal(await hook(KUBERNETES[0]), undefined)
  }),
)

test(
  'CH-5: a changed config rolls the pods with reload.mode restart, and only then',
  inBoth(async (rendered) => {
    for (const [mode, rolls] of [
      ['watch', false],
      ['restart', true],
    ] as const) {
      const before = await rendered({ reload: { mode } })
      const after = await rendered({ reload: { mode }, config: orders })
      const file = await rendered({ reload: { mode }, configFiles: { 'keys.json': '{}' } })
      const template = (text: string): unknown => at(only('Deployment', text), 'spec.template')
      for (const changed of [after, file]) {
        if (rolls) assert.notDeepEqual(template(changed), template(before), mode)
        else assert.deepEqual(template(changed), template(before), mode)
      }
      assert.equal(
        Object.keys(annotations(before)).some((key) => key.startsWith('checksum/')),
        rolls,
      )
    }
  }),
)

test(
  'CH-5: a secret in the environment rolls the pods in both modes, under a key of its own',
  inBoth(async (rendered) => {
    for (const mode of ['watch', 'restart']) {
      const [before, after] = [
        annotations(await rendered({ reload: { mode }, secrets: { env: { KEY: 'a' } } })),
        annotations(await rendered({ reload: { mode }, secrets: { env: { KEY: 'b' } } })),
      ]
      const changed = Object.keys(after).filter((key) => before[key] !== after[key])
      assert.deepEqual(changed, ['checksum/secret-env'])
      assert.doesNotMatch(JSON.stringify(after), /"b"/)
    }
  }),
)
