import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { at, render, requireHelms, template } from './chart.ts'
import { readValues, type Value } from './values-file.ts'

const file = 'helm/audgate/ci/everything-values.yaml'
const everything: unknown = parse(readFileSync(file, 'utf8'))

/** Another value for what everything-values.yaml leaves at its default; numbers grow and switches turn by themselves. */
const others: Readonly<Record<string, unknown>> = {
  nameOverride: 'edge',
  fullnameOverride: 'edge',
  namespaceOverride: 'elsewhere',
  'secrets.mountPath': '/secrets',
  'listen.host': '[::]',
  'service.appProtocol': '',
  'service.clusterIP': '10.0.0.9',
  'serviceAccount.name': 'mine',
  'metrics.serviceMonitor.interval': '31s',
  'metrics.podMonitor.interval': '31s',
  'metrics.dashboard.label': 'mine',
  'metrics.dashboard.labelValue': 'mine',
  'resources.requests.cpu': '101m',
  'resources.requests.memory': '129Mi',
  'resources.limits.memory': '257Mi',
  'pdb.unhealthyPodEvictionPolicy': 'IfHealthyBudget',
  'httpRoute.matches': [],
  'podSecurityContext.seccompProfile.type': 'Localhost',
  'securityContext.capabilities.drop': ['NET_RAW'],
  'strategy.type': 'Recreate',
  extraArgs: ['--x'],
}

/** What another value overrules there, with the rule whose test has it. */
const overruled: Readonly<Record<string, string>> = {
  existingConfigMap: 'CH-1',
  replicaCount: 'CH-2',
  'metrics.service.enabled': 'CH-7',
  'image.registry': 'CH-9',
  'image.tag': 'CH-9',
  configTpl: 'CH-11',
}

const leaves = (value: Value): readonly Value[] => (value.keys.length > 0 ? value.keys.flatMap(leaves) : [value])

/** A copy with another value at that path; undefined takes it out. */
const withValue = (values: unknown, path: readonly string[], value: unknown): Record<string, unknown> => {
  const copy: Record<string, unknown> = { ...(values as object | undefined) }
  const [key = '', ...rest] = path
  if (rest.length > 0) copy[key] = withValue(copy[key], rest, value)
  else if (value === undefined) delete copy[key]
  else copy[key] = value
  return copy
}

const changed = ({ path, value }: Value): Record<string, unknown> => {
  const keys = path.split('.')
  const here = at(everything, path)
  if (Object.hasOwn(others, path)) return withValue(everything, keys, others[path])
  if (here !== undefined && JSON.stringify(here) !== JSON.stringify(value))
    return withValue(everything, keys, undefined)
  if (typeof value === 'boolean') return withValue(everything, keys, !value)
  if (typeof value === 'number') return withValue(everything, keys, value + 1)
  throw new Error(`${path}: everything-values.yaml does not set it, and there is no other value for it here`)
}

test('operations 1.2: every key of values.yaml does something where everything is on', async (t) => {
  const [helm] = requireHelms(t)
  if (!helm) return
  const before = await render(helm, { files: [file] })
  const silent: string[] = []
  const waiting = readValues()
    .flatMap(leaves)
    .filter(({ path }) => !Object.hasOwn(overruled, path))
  const one = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const { status, stdout, stderr } = await template(helm, { values: changed(key) })
      // The chart's own refusal shows that the key is read; that of the schema would show nothing.
      assert.ok(status === 0 || stderr.includes('ERROR: '), `${key.path}: ${stderr}`)
      if (stdout === before) silent.push(key.path)
    }
  }
  await Promise.all([one(), one()])
  assert.deepEqual(silent, [])
})
