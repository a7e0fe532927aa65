import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireJudge } from './judge.ts'
import { audgate, helms, stageExample } from './sidecar-stage.ts'

const everything = {
  secrets: { existingSecret: ['client', 'tls'] },
  caBundle: { existingConfigMap: 'ca' },
  configFiles: { 'keys.json': '{}' },
  reload: { mode: 'restart' },
  extraEnv: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'client', key: 'a' } } }],
  extraEnvFrom: [{ secretRef: { name: 'client' } }],
  extraVolumes: [{ name: 'run', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'run', mountPath: '/run/api' }],
  resizePolicy: [{ resourceName: 'memory', restartPolicy: 'NotRequired' }],
  podMonitor: {
    enabled: true,
    labels: { release: 'stack' },
    scrapeTimeout: '10s',
    relabelings: [{ targetLabel: 'team', replacement: 'orders' }],
    metricRelabelings: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'nodejs_.*' }],
  },
  labels: { team: 'orders' },
  annotations: { note: 'x' },
}

for (const program of helms) {
  test(`${program}: a server takes every object of the example, its pods are restricted, and its selectors and ports agree`, async (t) => {
    const stage = await stageExample(t, program)
    const judge = requireJudge(t)
    if (!stage || !judge) return
    for (const [kubeVersion, values] of [
      ['1.29.0', {}],
      ['1.36.0', {}],
      ['1.36.0', everything],
    ] as const) {
      const { text } = await stage.render({ kubeVersion, values: audgate(values) })
      assert.deepEqual(await judge(text, { namespace: 'shop', external: ['client', 'tls', 'ca'] }), [])
    }
  })

  test(`${program}, CT-7: a release and a Secret may have names that YAML reads as numbers`, async (t) => {
    const stage = await stageExample(t, program)
    const judge = requireJudge(t)
    if (!stage || !judge) return
    const names = { secrets: { existingSecret: ['789', 'true'] }, caBundle: { existingConfigMap: '1e3' } }
    const { text } = await stage.render({ release: '123', values: audgate(names) })
    assert.deepEqual(await judge(text, { namespace: 'shop', external: ['789', 'true', '1e3'] }), [])
  })

  test(`${program}: the sidecar is restricted by itself, where the application's pod asks for nothing`, async (t) => {
    const stage = await stageExample(t, program, {
      'templates/alone.yaml': `apiVersion: v1
kind: Pod
metadata: { name: alone, namespace: shop }
spec:
  initContainers: {{- include "audgate.sidecar.container" . | nindent 4 }}
  containers:
    - { name: api, image: registry.example.com/api:1 }
  volumes: {{- include "audgate.sidecar.volumes" . | nindent 4 }}
`,
    })
    const judge = requireJudge(t)
    if (!stage || !judge) return
    const problems = (await judge((await stage.render()).text)).filter((line) => /restricted/i.test(line))
    assert.ok(problems.length > 0)
    for (const problem of problems) assert.doesNotMatch(problem, /"audgate"|initContainers\[0\]/)
  })
}
