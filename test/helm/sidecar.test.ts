import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { at, configOf, helms, sidecarOf, stageExample } from './sidecar-stage.ts'

const podOf = (deployment: unknown): unknown => at(deployment, 'spec', 'template', 'spec')

for (const program of helms) {
  test(`${program}, CT-2: the library is built into an application from its folder alone, and both are clean`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    await stage.helm('lint', '--strict', '.', '--kube-version', '1.36.0')
    await stage.helm('lint', '--strict', '../../../helm/audgate-sidecar')
    await stage.helm('dependency', 'build') // with the lock file of the first time
  })

  test(`${program}, operations 1.5: Audgate is a native sidecar whose probes and end ask no more than they may`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const rendering = await stage.render()
    const probe = (path: string, fields: object): unknown => ({ httpGet: { path, port: 'audgate-admin' }, ...fields })
    assert.deepEqual(sidecarOf(rendering), {
      name: 'audgate',
      image: `registry.example.com/audgate@sha256:${'0f1e2d3c4b5a69788796a5b4c3d2e1f0'.repeat(2)}`,
      imagePullPolicy: 'IfNotPresent',
      restartPolicy: 'Always',
      args: ['serve', '--config', '/etc/audgate/audgate.yaml'],
      ports: [
        { name: 'audgate-http', containerPort: 8080, protocol: 'TCP' },
        { name: 'audgate-admin', containerPort: 9090, protocol: 'TCP' },
      ],
      // Bound and valid, never "the issuer answers": it holds up the start of the application.
      startupProbe: probe('/startupz', { periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 30 }),
      readinessProbe: probe('/readyz', { periodSeconds: 5, timeoutSeconds: 3 }),
      livenessProbe: probe('/livez', { periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 }),
      lifecycle: { preStop: { httpGet: { path: '/drain', port: 'audgate-admin' } } },
      resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '192Mi' } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
      terminationMessagePolicy: 'FallbackToLogsOnError',
      volumeMounts: [{ name: 'audgate-config', mountPath: '/etc/audgate', readOnly: true }],
    })
    const pod = podOf(rendering.one('Deployment'))
    const configMap = at(rendering.one('ConfigMap'), 'metadata', 'name')
    assert.deepEqual(at(pod, 'volumes'), [{ name: 'audgate-config', configMap: { name: configMap } }])
    assert.equal((at(pod, 'initContainers') as readonly unknown[]).length, 1)
  })

  test(`${program}, operations 1.5: the Service goes to Audgate by number, and neither to the API nor to the admin listener`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    // A name would be looked for in the application's containers first, and up to Kubernetes 1.32 nowhere else.
    const rendering = await stage.render({ values: { audgate: { listen: { port: 8443 }, service: { port: 81 } } } })
    assert.deepEqual(at(rendering.one('Service'), 'spec', 'ports'), [
      { name: 'http', port: 81, targetPort: 8443, protocol: 'TCP', appProtocol: 'http' },
    ])
    assert.equal(at(sidecarOf(rendering), 'ports', 0, 'containerPort'), 8443)
    assert.equal(at(parse(configOf(rendering)), 'listen', 'address'), '0.0.0.0:8443')
    const api = at(podOf(rendering.one('Deployment')), 'containers', 0)
    assert.equal(at(api, 'readinessProbe', 'httpGet', 'port'), 8443)
  })

  test(`${program}: CH-7: the PodMonitor selects the pods, scrapes the admin port and names the job after the gateway; without labels to select by it is refused`, async (t) => {
    const careless = {
      'templates/careless.yaml': '{{ if .Values.careless }}{{ include "audgate.sidecar.podMonitor" . }}{{ end }}',
    }
    const stage = await stageExample(t, program, careless)
    if (!stage) return
    const rendering = await stage.render({
      values: { audgate: { podMonitor: { labels: { release: 'stack' }, scrapeTimeout: '10s' } } },
    })
    const monitor = rendering.one('PodMonitor')
    assert.equal(at(monitor, 'metadata', 'labels', 'release'), 'stack')
    const job = { action: 'replace', targetLabel: 'job', replacement: 'orders-audgate' }
    const endpoint = { port: 'audgate-admin', path: '/metrics', interval: '30s' }
    assert.deepEqual(at(monitor, 'spec', 'podMetricsEndpoints'), [
      { ...endpoint, scrapeTimeout: '10s', relabelings: [job] },
    ])
    const relabelled = {
      relabelings: [{ targetLabel: 'team', replacement: '{{ .Release.Name }}-team' }],
      metricRelabelings: [{ action: 'drop', sourceLabels: ['__name__'], regex: '{{ .Release.Name }}_.*' }],
    }
    const own = (await stage.render({ values: { audgate: { podMonitor: relabelled } } })).one('PodMonitor')
    assert.deepEqual(at(own, 'spec', 'podMetricsEndpoints'), [
      {
        ...endpoint,
        relabelings: [job, { targetLabel: 'team', replacement: 'orders-team' }],
        metricRelabelings: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'orders_.*' }],
      },
    ])
    const deployment = rendering.one('Deployment')
    assert.deepEqual(at(monitor, 'spec', 'selector'), at(deployment, 'spec', 'selector'))
    assert.equal(
      (await stage.render({ values: { audgate: { podMonitor: { enabled: false } } } })).one('PodMonitor'),
      undefined,
    )
    assert.match(await stage.refusal({ careless: true }), /selectorLabels/)
  })

  test(`${program}, CH-5: a new config changes the pod template with reload.mode restart, and not with watch`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const template = async (mode: string, scopes: string, configFiles = {}): Promise<unknown> => {
      const config = { upstreams: { 'http://127.0.0.1:3000': { scopes } } }
      const values = { audgate: { reload: { mode }, config, configFiles } }
      return at((await stage.render({ values })).one('Deployment'), 'spec', 'template')
    }
    assert.deepEqual(await template('watch', 'a'), await template('watch', 'b', { 'keys.json': '{}' }))
    assert.equal(at(await template('watch', 'a'), 'metadata', 'annotations'), undefined)
    assert.deepEqual(await template('restart', 'a'), await template('restart', 'a'))
    const sums = [
      await template('restart', 'a'),
      await template('restart', 'b'),
      await template('restart', 'a', { 'keys.json': '{}' }),
    ].map((pod) => String(at(pod, 'metadata', 'annotations', 'checksum/audgate-config')))
    for (const sum of sums) assert.match(sum, /^[0-9a-f]{64}$/)
    assert.equal(new Set(sums).size, 3)
  })

  test(`${program}, CH-10, CT-7: every object has the namespace, and long names stay apart and within 63 characters`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const names = new Set<unknown>()
    for (const release of ['o', `${'x'.repeat(51)}-a`, `${'x'.repeat(51)}-b`]) {
      const rendering = await stage.render({ release })
      for (const object of rendering.objects) assert.equal(at(object, 'metadata', 'namespace'), 'shop')
      const name = at(rendering.one('ConfigMap'), 'metadata', 'name')
      assert.match(String(name), /^[a-z0-9-]{1,62}[a-z0-9]$/)
      names.add(name)
    }
    assert.equal(names.size, 3)
  })

  for (const kubeVersion of ['1.29.0', '1.36.0']) {
    test(`${program}, CT-10: on Kubernetes ${kubeVersion} the config that the pod gets passes \`audgate check\``, async (t) => {
      const stage = await stageExample(t, program)
      if (!stage) return
      const rendering = await stage.render({ kubeVersion })
      const config = configOf(rendering)
      assert.equal(at(parse(config), 'admin'), '0.0.0.0:9090')
      const file = join(stage.folder, 'audgate.yaml')
      writeFileSync(file, config)
      // Throws with what it says when the status is not 0.
      execFileSync(process.execPath, ['--import', 'tsx', 'src/main.ts', 'check', '--config', file], { timeout: 60_000 })
      // `preStop.sleep` of the API is for servers that have it on.
      const api = at(podOf(rendering.one('Deployment')), 'containers', 0)
      assert.equal(at(api, 'lifecycle') === undefined, kubeVersion === '1.29.0')
    })
  }
}
