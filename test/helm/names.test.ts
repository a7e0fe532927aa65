import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manifestsOf, render, requireHelms } from './chart.ts'
import { requireJudge } from './judge.ts'

const everything = ['helm/audgate/ci/everything-values.yaml']
const external = ['redis', 'introspection', 'environment', 'company-ca']

test('CT-6: two releases in one namespace share no name, and neither selects the pods of the other', async (t) => {
  const judge = requireJudge(t)
  for (const helm of requireHelms(t)) {
    for (const [files, releases] of [
      [[], ['one', 'two']],
      [everything, ['one', 'two']],
      // The second name begins with the first, and contains the name of the chart.
      [[], ['audgate', 'audgate-two']],
    ] as const) {
      const texts = await Promise.all(releases.map((release) => render(helm, { release, files })))
      assert.deepEqual(await judge?.(texts.join('\n---\n'), { namespace: 'apps', external }), [])
    }
  }
})

// Helm itself refuses names of releases beyond 53 characters.
const longest = 'release-with-the-longest-name-that-helm-allows-aaaaab'

test('CT-7: with the longest name of a release every object keeps a valid name of its own', async (t) => {
  assert.equal(longest.length, 53)
  const judge = requireJudge(t)
  for (const helm of requireHelms(t)) {
    for (const values of [
      {},
      { nameOverride: 'n'.repeat(70) },
      { fullnameOverride: 'f'.repeat(70) },
      // Cut in the middle of it, a name would end in what no name may end in.
      { fullnameOverride: `${'f'.repeat(62)}-${'g'.repeat(8)}` },
      { fullnameOverride: `${'f'.repeat(54)}-${'g'.repeat(8)}` },
      { fullnameOverride: `${'f'.repeat(58)}-${'g'.repeat(8)}` },
    ]) {
      const text = await render(helm, { release: longest, files: everything, values })
      assert.deepEqual(await judge?.(text, { namespace: 'apps', external }), [], JSON.stringify(values))
    }
  }
})

test('CT-7: what YAML reads as a number or a truth value is a good name of a release and of a namespace', async (t) => {
  const judge = requireJudge(t)
  for (const helm of requireHelms(t)) {
    for (const [release, namespace] of [
      ['123', '456'],
      ['1e3', '0x1'],
      ['true', 'null'],
    ] as const) {
      for (const values of [{}, { fullnameOverride: release }]) {
        const text = await render(helm, {
          release,
          namespace,
          files: everything,
          values: { ...values, extraObjects: [] },
        })
        assert.deepEqual(await judge?.(text, { namespace, external }), [], `${release} ${JSON.stringify(values)}`)
      }
    }
  }
})

test('CT-7: nameOverride names the objects after the release, fullnameOverride alone', async (t) => {
  for (const helm of requireHelms(t)) {
    const named = async (values: unknown): Promise<readonly string[]> => [
      ...new Set(manifestsOf(await render(helm, { values })).map((one) => one.metadata.name)),
    ]
    for (const name of await named({ nameOverride: 'edge' })) assert.match(name, /^gate-edge(-|$)/)
    for (const name of await named({ fullnameOverride: 'edge' })) assert.match(name, /^edge(-|$)/)
  }
})

test('CH-10: namespaceOverride moves every object', async (t) => {
  const judge = requireJudge(t)
  for (const helm of requireHelms(t)) {
    const text = await render(helm, { files: everything, values: { namespaceOverride: 'elsewhere', extraObjects: [] } })
    assert.deepEqual(await judge?.(text, { namespace: 'elsewhere', external }), [])
  }
})
