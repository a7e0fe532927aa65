import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, configOf, containerOf, manifestsOf, refusal, render, requireHelms } from './chart.ts'
import { parentChart } from './copied-chart.ts'
import { requireJudge } from './judge.ts'

const ours = {
  issuers: { main: 'https://auth.example.com' },
  upstreams: { 'http://orders:3000': 'https://api.example.com/orders' },
}

test('CT-4: as a subchart it takes the globals of its parent, keys of others among them', async (t) => {
  const [judge, chart] = [requireJudge(t), parentChart(t)]
  for (const helm of requireHelms(t)) {
    const global = { imageRegistry: 'registry.example.com', storageClass: 'fast', parent: { environment: 'test' } }
    const text = await render(helm, { chart, values: { global, audgate: { config: ours } } })
    assert.match(String(at(containerOf(text), 'image')), /^registry\.example\.com\/audgate:/)
    assert.match(configOf(text), /http:\/\/orders:3000: https:\/\/api\.example\.com\/orders/)
    assert.deepEqual(await judge?.(text, { namespace: 'apps' }), [])
  }
})

test('CT-4: `enabled` is for the condition of the parent, and false renders nothing', async (t) => {
  const chart = parentChart(t)
  for (const helm of requireHelms(t)) {
    assert.deepEqual(manifestsOf(await render(helm, { chart, values: { audgate: { enabled: false } } })), [])
  }
})

test('CT-4, CT-6: twice in one parent, under its name and an alias, each has its own objects', async (t) => {
  const [judge, chart] = [requireJudge(t), parentChart(t)]
  for (const helm of requireHelms(t)) {
    const text = await render(helm, { chart, values: { partners: { enabled: true } } })
    const deployments = manifestsOf(text).filter((one) => one.kind === 'Deployment')
    assert.deepEqual(deployments.map((one) => one.metadata.name).toSorted(), ['gate-audgate', 'gate-partners'])
    assert.deepEqual(await judge?.(text, { namespace: 'apps' }), [])
  }
})

test('CT-4, CT-11: as a subchart it is as strict about its own values', async (t) => {
  const chart = parentChart(t)
  for (const helm of requireHelms(t)) {
    assert.match(await refusal(helm, { chart, values: { audgate: { replicas: 1 } } }), /replicas/)
  }
})
