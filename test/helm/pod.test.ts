import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, containerOf, manifestsOf, only } from './chart.ts'
import { inBoth, kinds, pod } from './rule.ts'

test(
  'CH-9: a digest wins over a tag, the registry of `global` over that of the image',
  inBoth(async (rendered) => {
    const digest = `sha256:${'0'.repeat(64)}`
    const image = async (values: unknown): Promise<unknown> => at(containerOf(await rendered(values)), 'image')
    assert.match(String(await image({})), /^audgate:\d/)
    assert.equal(await image({ image: { tag: 'x', repository: 'a/b' } }), 'a/b:x')
    assert.equal(await image({ image: { tag: 'x', digest, registry: 'r.example' } }), `r.example/audgate@${digest}`)
    assert.equal(
      await image({ image: { tag: 'x', registry: 'r.example' }, global: { imageRegistry: 'g.example' } }),
      'g.example/audgate:x',
    )
  }),
)

test(
  'CH-9: `helm test` runs in the same image',
  inBoth(async (rendered) => {
    const text = await rendered({ image: { digest: `sha256:${'1'.repeat(64)}` } })
    assert.equal(at(only('Pod', text), 'spec.containers.0.image'), at(containerOf(text), 'image'))
    assert.equal(only('Pod', text).metadata.annotations?.['helm.sh/hook'], 'test')
    assert.ok(!kinds(await rendered({ tests: { enabled: false } })).includes('Pod'))
  }),
)

test(
  'CH-12: the config is mounted as a directory, read-only, and secrets are not mounted inside it',
  inBoth(async (rendered) => {
    const container = containerOf(await rendered({ secrets: { existingSecret: ['redis'], files: { a: 'b' } } }))
    const mounts = at(container, 'volumeMounts') as readonly {
      readonly mountPath: string
      readonly readOnly?: boolean
    }[]
    assert.deepEqual(
      mounts.map(({ mountPath }) => mountPath),
      ['/etc/audgate', '/etc/audgate-secrets/redis', '/etc/audgate-secrets/files'],
    )
    for (const mount of mounts) {
      assert.equal(mount.readOnly, true)
      assert.ok(!('subPath' in mount))
    }
    assert.deepEqual(at(container, 'args'), ['serve', '--config', '/etc/audgate/audgate.yaml'])
  }),
)

test(
  'operations 1.3: a secret is kept as it is, whatever braces are in it',
  inBoth(async (rendered) => {
    const text = await rendered({ secrets: { files: { 'a.pem': '{{ x\n' }, env: { KEY: 'a{{b}}' } } })
    const data = manifestsOf(text).flatMap((one) => (one.kind === 'Secret' ? [at(one, 'data')] : []))
    assert.deepEqual(data, [{ KEY: btoa('a{{b}}') }, { 'a.pem': btoa('{{ x\n') }])
  }),
)

test(
  'operations 1.1: the pod has no token for the Kubernetes API',
  inBoth(async (rendered) => {
    const text = await rendered()
    assert.equal(at(only('ServiceAccount', text), 'automountServiceAccountToken'), false)
    assert.equal(pod(text, 'automountServiceAccountToken'), false)
    assert.equal(at(only('Pod', text), 'spec.automountServiceAccountToken'), false)
  }),
)

test(
  'operations 1.3: no user is named, so OpenShift may pick one',
  inBoth(async (rendered) => {
    assert.doesNotMatch(await rendered(), /runAsUser|runAsGroup|fsGroup|seLinuxOptions/)
  }),
)

test(
  'OP-10: the three probes ask the admin listener what they are for, and startup is always asked',
  inBoth(async (rendered) => {
    const container = containerOf(await rendered())
    const asks = (probe: string): unknown => at(container, `${probe}.httpGet`)
    assert.deepEqual(asks('startupProbe'), { path: '/startupz', port: 'admin' })
    assert.deepEqual(asks('readinessProbe'), { path: '/readyz', port: 'admin' })
    assert.deepEqual(asks('livenessProbe'), { path: '/livez', port: 'admin' })
  }),
)

test(
  'operations 4.3: why a pod did not start is shown with the pod, not in the log alone',
  inBoth(async (rendered) => {
    assert.equal(at(containerOf(await rendered()), 'terminationMessagePolicy'), 'FallbackToLogsOnError')
  }),
)

test(
  'operations 1.4: a spread without a selector counts the own pods, one with a selector stays',
  inBoth(async (rendered) => {
    const spread = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }
    const own = { ...spread, labelSelector: { matchLabels: { app: 'x' } } }
    const text = await rendered({ topologySpreadConstraints: [spread, own] })
    const selector = at(only('Deployment', text), 'spec.selector')
    assert.deepEqual(pod(text, 'topologySpreadConstraints'), [{ ...spread, labelSelector: selector }, own])
  }),
)
