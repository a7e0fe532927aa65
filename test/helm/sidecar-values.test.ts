import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { at, audgate, configOf, helms, type Rendering, type Stage, sidecarOf, stageExample } from './sidecar-stage.ts'

const container = async (stage: Stage, values: unknown, more = {}): Promise<readonly [unknown, Rendering]> => {
  const rendering = await stage.render({ values: audgate(values, more) })
  return [sidecarOf(rendering), rendering]
}

for (const program of helms) {
  test(`${program}, CH-9: a digest wins over the tag, and global.imageRegistry over the registry`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const digest = `sha256:${'a'.repeat(64)}`
    for (const [image, more, expected] of [
      [{ digest, tag: '9' }, {}, `registry.example.com/audgate@${digest}`],
      [{ digest: '', tag: '9' }, {}, 'registry.example.com/audgate:9'],
      [{ digest: '', tag: '9', registry: '' }, {}, 'audgate:9'],
      [{ digest: '', tag: '9' }, { global: { imageRegistry: 'mirror.example' } }, 'mirror.example/audgate:9'],
    ] as const) {
      assert.equal(at((await container(stage, { image }, more))[0], 'image'), expected)
    }
  })

  test(`${program}, CH-11, CH-12: secrets, files and extras reach the container, through tpl and as whole directories`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const name = (suffix: string): string => `{{ .Release.Name }}-${suffix}`
    const [sidecar, rendering] = await container(stage, {
      secrets: { existingSecret: [name('client'), 'other'] },
      caBundle: { existingConfigMap: name('ca') },
      configFiles: { 'keys.json': '{}\n' },
      extraArgs: [name('argument')],
      extraEnv: [{ name: 'A', value: name('value') }],
      extraEnvFrom: [{ secretRef: { name: name('env') } }],
      extraVolumes: [{ name: 'run', configMap: { name: name('run') } }],
      extraVolumeMounts: [{ name: 'run', mountPath: `/run/${name('x')}` }],
      resizePolicy: [{ resourceName: name('resource'), restartPolicy: 'NotRequired' }],
      annotations: { note: name('note') },
      labels: { team: name('team') },
    })
    assert.deepEqual(at(sidecar, 'volumeMounts'), [
      { name: 'audgate-config', mountPath: '/etc/audgate', readOnly: true },
      { name: 'audgate-secret-0', mountPath: '/etc/audgate-secrets/orders-client', readOnly: true },
      { name: 'audgate-secret-1', mountPath: '/etc/audgate-secrets/other', readOnly: true },
      { name: 'audgate-ca', mountPath: '/etc/audgate-ca', readOnly: true },
      { name: 'run', mountPath: '/run/orders-x' },
    ])
    assert.deepEqual(at(rendering.one('Deployment'), 'spec', 'template', 'spec', 'volumes'), [
      { name: 'audgate-config', configMap: { name: 'orders-audgate' } },
      { name: 'audgate-secret-0', secret: { secretName: 'orders-client' } },
      { name: 'audgate-secret-1', secret: { secretName: 'other' } },
      { name: 'audgate-ca', configMap: { name: 'orders-ca' } },
      { name: 'run', configMap: { name: 'orders-run' } },
    ])
    assert.deepEqual(at(sidecar, 'env'), [
      { name: 'NODE_EXTRA_CA_CERTS', value: '/etc/audgate-ca/ca.crt' },
      { name: 'A', value: 'orders-value' },
    ])
    assert.deepEqual(at(sidecar, 'envFrom'), [{ secretRef: { name: 'orders-env' } }])
    assert.equal(at(sidecar, 'args', 3), 'orders-argument')
    assert.equal(at(sidecar, 'resizePolicy', 0, 'resourceName'), 'orders-resource')
    const map = rendering.one('ConfigMap')
    assert.equal(at(map, 'data', 'keys.json'), '{}\n')
    assert.equal(at(map, 'metadata', 'annotations', 'note'), 'orders-note')
    assert.equal(at(map, 'metadata', 'labels', 'team'), 'orders-team')
    // One Secret needs no list.
    const [single] = await container(stage, { secrets: { existingSecret: 'only', mountPath: '/secrets/' } })
    assert.equal(at(single, 'volumeMounts', 1, 'mountPath'), '/secrets/only')
  })

  test(`${program}, CT-8: false, an empty text and null replace a default`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const [sidecar] = await container(stage, {
      securityContext: { readOnlyRootFilesystem: false, seccompProfile: null, runAsUser: 1000710000 },
      resources: { limits: null },
      resizePolicy: [{ resourceName: 'memory', restartPolicy: 'NotRequired' }],
      probes: { startup: { failureThreshold: 90 } },
    })
    assert.deepEqual(at(sidecar, 'securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: false,
      runAsNonRoot: true,
      runAsUser: 1000710000,
      capabilities: { drop: ['ALL'] },
    })
    assert.deepEqual(at(sidecar, 'resources'), { requests: { cpu: '50m', memory: '96Mi' } })
    assert.deepEqual(at(sidecar, 'resizePolicy'), [{ resourceName: 'memory', restartPolicy: 'NotRequired' }])
    assert.equal(at(sidecar, 'startupProbe', 'failureThreshold'), 90)
  })

  test(`${program}: what the config says of listen stays, and its port is the one of the pod and the Service`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const cases: readonly [listen: unknown, expected: unknown, port: number, protocol: string][] = [
      ['0.0.0.0:8000', { address: '0.0.0.0:8000' }, 8000, 'http'],
      [{ limits: { body_size: 1048576 } }, { address: '0.0.0.0:8080', limits: { body_size: 1048576 } }, 8080, 'http'],
      [
        { address: '[::]:8443', tls: { certificate: 'a', key: 'b' } },
        { address: '[::]:8443', tls: { certificate: 'a', key: 'b' } },
        8443,
        'https',
      ],
    ]
    for (const [listen, expected, port, protocol] of cases) {
      const [sidecar, rendering] = await container(stage, { config: { listen } })
      assert.deepEqual(at(parse(configOf(rendering)), 'listen'), expected)
      assert.equal(at(sidecar, 'ports', 0, 'containerPort'), port)
      const served = at(rendering.one('Service'), 'spec', 'ports', 0)
      assert.deepEqual([at(served, 'targetPort'), at(served, 'appProtocol')], [port, protocol])
    }
    const [, six] = await container(stage, {
      listen: { host: '[::]' },
      admin: { port: 9191 },
      service: { appProtocol: '' },
    })
    const config: unknown = parse(configOf(six))
    assert.deepEqual([at(config, 'listen', 'address'), at(config, 'admin')], ['[::]:8080', '[::]:9191'])
    assert.equal(at(six.one('Service'), 'spec', 'ports', 0, 'appProtocol'), undefined)
  })

  test(`${program}, CT-5: with an existing ConfigMap none is made, and that one is mounted`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const [sidecar, rendering] = await container(stage, {
      config: null,
      existingConfigMap: '{{ .Release.Name }}-mine',
      listen: { port: 8000 },
    })
    assert.equal(rendering.one('ConfigMap'), undefined)
    const volume = at(rendering.one('Deployment'), 'spec', 'template', 'spec', 'volumes', 0)
    assert.deepEqual(volume, { name: 'audgate-config', configMap: { name: 'orders-mine' } })
    assert.equal(at(sidecar, 'ports', 0, 'containerPort'), 8000)
  })

  test(`${program}: templates in the config run with configTpl, and are text without it`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const config = { issuers: { main: 'https://{{ .Release.Name }}.example.com' } }
    const issuer = async (configTpl: boolean): Promise<unknown> =>
      at(parse(configOf((await container(stage, { config, configTpl }))[1])), 'issuers', 'main')
    assert.equal(await issuer(true), 'https://orders.example.com')
    assert.equal(await issuer(false), config.issuers.main)
  })

  test(`${program}: a second gateway of one chart has a key, a config map and a container of its own`, async (t) => {
    const second = '{{ $gate := dict "root" . "key" "billingGate" }}'
    const stage = await stageExample(t, program, {
      'templates/second.yaml': `${second}{{ include "audgate.sidecar.configmap" $gate }}\n---\nkind: Second\ncontainers: {{ include "audgate.sidecar.container" $gate | nindent 2 }}\nvolumes: {{ include "audgate.sidecar.volumes" $gate | nindent 2 }}\nport: {{ include "audgate.sidecar.port" $gate }}\nadmin: {{ include "audgate.sidecar.adminPort" $gate }}\n`,
    })
    if (!stage) return
    const upstreams = { 'http://127.0.0.1:3001': 'https://api.example.com/billing' }
    const values = { billingGate: { listen: { port: 8181 }, admin: { port: 9191 }, config: { upstreams } } }
    const { objects } = await stage.render({ values })
    const maps = objects.filter((object) => at(object, 'kind') === 'ConfigMap')
    assert.deepEqual(maps.map((map) => at(map, 'metadata', 'name')).sort(), ['orders-audgate', 'orders-billing-gate'])
    const pod = objects.find((object) => at(object, 'kind') === 'Second')
    assert.equal(at(pod, 'volumes', 0, 'configMap', 'name'), 'orders-billing-gate')
    assert.deepEqual([at(pod, 'port'), at(pod, 'admin')], [8181, 9191])
    assert.equal(at(pod, 'containers', 0, 'ports', 0, 'containerPort'), 8181)
    assert.match(await stage.refusal({ billingGate: { x: 1 } }), /billingGate\.x is not a value/)
    assert.match(await stage.refusal({ billingGate: 'x' }), /billingGate must be a map/)
    // Cut to one length, they would be one.
    const long = (await stage.render({ values, release: 'x'.repeat(53) })).objects
    const names = long.filter((object) => at(object, 'kind') === 'ConfigMap').map((map) => at(map, 'metadata', 'name'))
    assert.equal(new Set(names).size, 2)
    for (const name of names) assert.match(String(name), /^[a-z0-9-]{1,63}$/)
  })
}
