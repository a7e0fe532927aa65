import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { at, manifestsOf, only, render, requireHelms } from './chart.ts'
import { chartWith } from './copied-chart.ts'

/** What a Deployment may never change: with other values here `helm upgrade` of an installed release fails. */
const SELECTOR = {
  'app.kubernetes.io/name': 'audgate',
  'app.kubernetes.io/instance': 'gate',
  'app.kubernetes.io/component': 'gateway',
}

/** The chart one version later. */
const nextVersion = readFileSync('helm/audgate/Chart.yaml', 'utf8')
  .replace(/^version: .*$/m, 'version: 99.0.0+build.7')
  .replace(/^appVersion: .*$/m, 'appVersion: "98.7.6+build.5"')

test('CT-9, CH-6: the selectors are those of the first version, whatever the values', async (t) => {
  for (const helm of requireHelms(t)) {
    for (const files of [[], ['helm/audgate/ci/everything-values.yaml']]) {
      const text = await render(helm, { files })
      assert.deepEqual(at(only('Deployment', text), 'spec.selector'), { matchLabels: SELECTOR })
      for (const service of manifestsOf(text).filter((one) => one.kind === 'Service')) {
        assert.deepEqual(at(service, 'spec.selector'), SELECTOR)
      }
      assert.deepEqual(at(only('PodDisruptionBudget', text), 'spec.selector'), { matchLabels: SELECTOR })
    }
  }
})

test('CT-9, CH-6: a new version keeps every name and every selector', async (t) => {
  const chart = chartWith(t, { 'Chart.yaml': nextVersion })
  const files = ['helm/audgate/ci/everything-values.yaml']
  const fixed = (text: string) =>
    manifestsOf(text).map(({ kind, metadata, ...rest }) => ({
      kind,
      name: metadata.name,
      selector: at(rest, 'spec.selector'),
      podSelector: at(rest, 'spec.podSelector'),
    }))
  for (const helm of requireHelms(t)) {
    const [now, then] = [await render(helm, { files }), await render(helm, { chart, files })]
    assert.deepEqual(fixed(then), fixed(now))
    assert.equal(only('Deployment', then).metadata.labels?.['helm.sh/chart'], 'audgate-99.0.0_build.7')
  }
})

test('CT-9: a new version of the chart alone does not roll the pods', async (t) => {
  const chart = chartWith(t, {
    'Chart.yaml': readFileSync('helm/audgate/Chart.yaml', 'utf8').replace(/^version: .*$/m, 'version: 99.0.0'),
  })
  for (const helm of requireHelms(t)) {
    const pod = async (asked: { chart?: string }): Promise<unknown> =>
      at(only('Deployment', await render(helm, asked)), 'spec.template')
    assert.deepEqual(await pod({ chart }), await pod({}))
  }
})
