import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, audgate, helms, stageExample } from './sidecar-stage.ts'

/** NOTES.txt is seen at an installation only, which takes a cluster: the same text in an object. */
const shown = { 'templates/shown.yaml': 'kind: Notes\ntext: {{ include "audgate.sidecar.notes" . | toJson }}\n' }

for (const program of helms) {
  test(`${program}, operations 1.5, CT-12: the notes say how Audgate is bypassed, and warn of what looks wrong`, async (t) => {
    const stage = await stageExample(t, program, shown)
    if (!stage) return
    const notes = async (values: unknown): Promise<string> =>
      String(at((await stage.render({ values: audgate(values) })).one('Notes'), 'text'))
    const usual = await notes({ listen: { port: 8181 } })
    assert.match(usual, /The API listens on 127\.0\.0\.1 .* only/)
    assert.match(usual, /goes to port 8181, by number/)
    assert.match(usual, /taken over within about a minute, without a restart/)
    assert.doesNotMatch(usual, /WARNING/)
    assert.match(await notes({ reload: { mode: 'restart' } }), /A new config rolls the pods\./)
    const elsewhere = await notes({ config: null, existingConfigMap: 'mine' })
    assert.match(elsewhere, /the key audgate\.yaml of the ConfigMap mine\. It must listen on port 8080/)
    for (const [config, warning] of [
      [{ upstreams: null }, 'no upstreams are configured'],
      [{ issuers: null }, 'no issuers are configured'],
      [{ upstreams: { 'http://orders:3000': 'https://api.example.com/x' } }, 'http://orders:3000 is not in this pod'],
      [{ upstreams: { 'http://localhost.example.com': 'https://api.example.com/x' } }, 'is not in this pod'],
      [{ listen: { timeouts: { drain_delay: '5s' } } }, 'drain_delay is 5s'],
    ] as const) {
      assert.ok((await notes({ config })).includes(`WARNING: `), warning)
      assert.ok((await notes({ config })).includes(warning), warning)
    }
    for (const config of [
      { upstreams: { 'unix:/run/orders.sock': 'https://api.example.com/x' } },
      { upstreams: { 'http://localhost:3001/v1': 'https://api.example.com/x', 'http://[::1]:3001': 'urn:x' } },
      { upstreams: { '${API}': 'https://api.example.com/x' } },
      { listen: { timeouts: { drain_delay: '0s' } } },
    ]) {
      assert.doesNotMatch(await notes({ config }), /WARNING/)
    }
  })
}
