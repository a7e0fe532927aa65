import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Document, parseAllDocuments } from 'yaml'
import { at, only, render, requireHelms } from './chart.ts'
import { requireJudge } from './judge.ts'
import { pod } from './rule.ts'

const files = ['helm/audgate/ci/openshift-values.yaml']

/** What the security context constraint `restricted-v2` of OpenShift sets in every pod that leaves it open. */
const admit = (document: Document): void => {
  for (const [kind, place] of [
    ['Deployment', ['spec', 'template', 'spec']],
    ['Pod', ['spec']],
  ] as const) {
    if (document.get('kind') !== kind) continue
    document.setIn([...place, 'securityContext', 'seccompProfile'], { type: 'RuntimeDefault' })
    document.setIn([...place, 'securityContext', 'fsGroup'], 1000680000)
    document.setIn([...place, 'containers', 0, 'securityContext', 'runAsUser'], 1000680000)
  }
}

test('CT-8: what is null in the values is not set', async (t) => {
  for (const helm of requireHelms(t)) {
    const text = await render(helm, { files })
    assert.equal(pod(text, 'securityContext.seccompProfile'), undefined)
    assert.equal(pod(text, 'securityContext.runAsNonRoot'), true)
    assert.equal(pod(text, 'hostUsers'), undefined)
    assert.equal(pod(text, 'containers.0.resources.limits'), undefined)
    assert.equal(at(only('Deployment', text), 'spec.strategy'), undefined)
    // Null where the chart has no default of its own stays null, which a server takes for absent.
    for (const path of ['securityContext.fsGroup', 'containers.0.securityContext.runAsUser']) {
      assert.equal(pod(text, path) ?? undefined, undefined, path)
    }
    assert.equal(pod(text, 'terminationGracePeriodSeconds'), 40)
  }
})

test('CT-8: with what OpenShift then sets the pods are restricted', async (t) => {
  const judge = requireJudge(t)
  for (const helm of requireHelms(t)) {
    const documents = parseAllDocuments(await render(helm, { files }))
    for (const document of documents) if ('contents' in document) admit(document)
    assert.deepEqual(await judge?.(documents.map(String).join('---\n'), { namespace: 'apps' }), [])
  }
})
