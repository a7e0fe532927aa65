import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { audgate, helms, stageExample } from './sidecar-stage.ts'

const refused: readonly [what: string, values: unknown, problem: RegExp][] = [
  ['an unknown key', { confg: {} }, /audgate\.confg is not a value of audgate-sidecar; there are .*\bconfig\b/],
  ['an unknown key of a group', { image: { tga: '1' } }, /audgate\.image\.tga is not a value/],
  ['a group that is no map', { secrets: 'client' }, /audgate\.secrets must be a map/],
  ['a list that is a text', { extraEnv: 'A=1' }, /audgate\.extraEnv must be a list/],
  ['a map that is a list', { resources: [1] }, /audgate\.resources must be a map/],
  ['no config', { config: null }, /audgate\.config is empty/],
  ['both kinds of config', { existingConfigMap: 'mine' }, /audgate\.existingConfigMap is set, and audgate\.config/],
  [
    'restart with a config from elsewhere',
    { config: null, existingConfigMap: 'mine', reload: { mode: 'restart' } },
    /restart needs audgate\.config/,
  ],
  ['one port twice', { config: null, existingConfigMap: 'mine', listen: { port: 9090 } }, /are both 9090/],
  ['the admin port for traffic', { listen: { port: 9090 } }, /are both port 9090/],
  ['another way to reload', { reload: { mode: 'never' } }, /audgate\.reload\.mode is never: watch or restart/],
  ['no port', { admin: { port: 0 } }, /audgate\.admin\.port is 0/],
  ['no such port', { service: { port: 65536 } }, /audgate\.service\.port is 65536/],
  ['no admin listener', { config: { admin: false } }, /audgate\.config\.admin is false: the kubelet/],
  [
    'an admin listener on loopback',
    { config: { admin: '127.0.0.1:9090' } },
    /audgate\.config\.admin is 127\.0\.0\.1:9090/,
  ],
  ['a listener on loopback', { config: { listen: '127.0.0.1:8080' } }, /nobody outside the pod reaches that/],
  ['a listener on localhost', { config: { listen: 'localhost:8080' } }, /nobody outside the pod reaches that/],
  ['a listener on IPv6 loopback', { config: { listen: { address: '[::1]:8080' } } }, /nobody outside the pod/],
  ['a port from the environment', { config: { listen: '0.0.0.0:${PORT}' } }, /its port must be written out/],
  ['a listener that is a number', { config: { listen: 8080 } }, /audgate\.config\.listen must be an address or a map/],
  ['a digest that is none', { image: { digest: 'sha256:1' } }, /audgate\.image\.digest must be sha256:/],
  ['no image at all', { image: { digest: '', tag: '' } }, /audgate\.image needs a digest or a tag/],
  ['secrets inside the volume of the config', { secrets: { mountPath: '/etc/audgate/x/' } }, /outside \/etc\/audgate/],
  ['secrets on top of the config', { secrets: { mountPath: '/etc/audgate' } }, /outside \/etc\/audgate/],
  ['secrets nowhere', { secrets: { mountPath: 'secrets' } }, /an absolute path/],
  ['two files of one name', { configFiles: { 'audgate.yaml': '' } }, /audgate\.configFiles holds audgate\.yaml/],
  [
    'a config that is no YAML after tpl',
    { configTpl: true, config: { x: '{{ printf "%c" 39 }} a' } },
    /no YAML after tpl/,
  ],
]

for (const program of helms) {
  test(`${program}: values that contradict each other fail with a message that names the key`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    for (const [what, values, problem] of refused) {
      await t.test(what, async () => assert.match(await stage.refusal(audgate(values)), problem))
    }
    await t.test('all problems are told at once', async () => {
      const said = await stage.refusal(audgate({ admin: { port: 0 }, reload: { mode: 'never' } }))
      assert.match(said, /admin\.port is 0[\s\S]*reload\.mode is never|reload\.mode is never[\s\S]*admin\.port is 0/)
    })
  })

  test(`${program}, CT-10: below Kubernetes 1.29 the library fails, whatever the application's chart says`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const file = join(stage.folder, 'Chart.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^kubeVersion:.*\n/m, ''))
    assert.match(await stage.refusal({}, { kubeVersion: '1.28.15' }), /1\.28\.15 knows no native sidecars by default/)
    assert.equal(await stage.refusal({}, { kubeVersion: '1.29.0-gke.1' }), '')
  })
}
