import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { CHART, cases, KUBERNETES, manifestsOf, render, requireHelms, run } from './chart.ts'
import { requireJudge, textsIn } from './judge.ts'

// Where somebody else fills in the security of pods: OpenShift, or an admission controller.
const LOOSE: ReadonlySet<string> = new Set(['no-security-contexts-values.yaml', 'openshift-values.yaml'])

test('CT-1, CT-3: there is a values file for every way to use the chart', () => {
  const names = cases().map((file) => basename(file, '-values.yaml'))
  for (const name of [
    'default',
    'everything',
    'existing-configmap',
    'openshift',
    'single-replica',
    'subchart',
    'templates',
  ])
    assert.ok(names.includes(name), name)
})

for (const file of cases()) {
  const name = basename(file)

  test(`CT-10: ${name} passes lint --strict in both Helms`, async (t) => {
    for (const helm of requireHelms(t)) {
      const { status, stdout, stderr } = await run(helm.program, ['lint', '--strict', CHART, '--values', file])
      assert.equal(status, 0, `${helm.name}: ${stdout}${stderr}`)
    }
  })

  test(`CT-10: ${name} renders what the oldest and the newest Kubernetes take, the same in both Helms`, async (t) => {
    const [judge, [newer, older]] = [requireJudge(t), requireHelms(t)]
    if (!judge || !newer || !older) return
    for (const [index, kubernetes] of KUBERNETES.entries()) {
      // Two namespaces and two releases: nothing of either is written into the chart.
      const asked = { files: [file], kubernetes, namespace: `apps-${index}`, release: `gate-${index}` }
      const rendered = await render(newer, asked)
      assert.deepEqual(manifestsOf(await render(older, asked)), manifestsOf(rendered))
      const moved = /^namespaceOverride: *(\S+)/m.exec(readFileSync(file, 'utf8'))?.[1]
      const problems: readonly string[] = await judge(rendered, {
        namespace: moved ?? asked.namespace,
        external: textsIn(file, asked.release),
        security: LOOSE.has(name) ? 'baseline' : 'restricted',
      })
      assert.deepEqual(problems, [])
    }
  })
}
