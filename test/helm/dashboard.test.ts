import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { reasons } from '../../src/decision/challenge.ts'
import { metricFamilies } from '../../src/observe/families.ts'
import { requireProgram } from '../support/programs.ts'
import { alerts } from './alert-rules.ts'
import { at, manifestsOf, render, requireHelms, run } from './chart.ts'
import { type Exposed, scrape } from './exposed.ts'
import { dashboard, expressions, plain } from './grafana.ts'
import { groupingOf, type Matcher, selectorsOf } from './promql.ts'

/** Metrics that are not of our process, and who exposes them. */
const FOREIGN: Readonly<Record<string, string>> = {
  up: 'Prometheus, for every target',
  kube_pod_container_resource_limits: 'kube-state-metrics',
}

/** Labels that the scrape adds. */
const TARGET: readonly string[] = ['namespace', 'job', 'instance', 'pod', 'container']

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const { panels, templating, ...rest } = dashboard()
const charts = panels.filter(({ type }) => type !== 'row')
const queries = templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]))

test('Operations 3.3: the dashboard belongs to no Grafana: no id, no uid, every data source by the variable', () => {
  assert.equal(rest.id, null)
  assert.equal(rest.uid, undefined)
  assert.ok(rest.schemaVersion >= 39, 'a recent schema')
  const sources = charts.flatMap(({ datasource, targets = [] }) => [
    datasource,
    ...targets.map((one) => one.datasource),
  ])
  for (const source of sources) assert.deepEqual(source, DATASOURCE)
  for (const { name, type, datasource, query, definition } of templating.list) {
    assert.deepEqual(datasource, type === 'datasource' ? undefined : DATASOURCE, name)
    // Grafana shows the one and runs the other.
    if (typeof query !== 'string') assert.equal(definition, query.query, name)
  }
})

test('Operations 3.3: its variables are data source, namespace, job, resource, route and issuer, and each is used', () => {
  const names = templating.list.map(({ name }) => name)
  assert.deepEqual(names, ['datasource', 'namespace', 'job', 'resource', 'route', 'issuer'])
  const text = JSON.stringify(panels)
  for (const name of names) assert.match(text, new RegExp(`\\$\\{?${name}\\b`), name)
  const known = new Set([...names, '__rate_interval', '__range'])
  const used = [...JSON.stringify([panels, queries]).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
  assert.deepEqual(
    used.filter((name) => !known.has(name)),
    [],
  )
})

test('Operations 3.3: no panel lies on another or beyond the 24 columns, and every id is there once', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Map<string, string>()
  for (const { title, gridPos } of panels) {
    assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, title)
    for (let row = gridPos.y; row < gridPos.y + gridPos.h; row++) {
      for (let column = gridPos.x; column < gridPos.x + gridPos.w; column++) {
        const cell = `${column},${row}`
        assert.equal(taken.get(cell), undefined, `${title} at ${cell}`)
        taken.set(cell, title)
      }
    }
  }
})

test('Operations 3.3: every panel has a title of its own, a unit, and a legend for each series', () => {
  assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length)
  for (const { title, fieldConfig, targets = [] } of charts) {
    assert.ok(title.length > 0)
    assert.ok(fieldConfig?.defaults.unit, title)
    assert.ok(targets.length > 0, title)
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
    for (const { expr, legendFormat, format } of targets) {
      assert.ok(legendFormat !== '' || format === 'table', title)
      const kept = groupingOf(expr)
      const told = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
      assert.deepEqual(
        told.filter((label) => !kept.includes(label)),
        [],
        `${title}: labels that are not kept`,
      )
    }
  }
})

test('Operations 3.3: every expression is PromQL', async (t) => {
  const program = requireProgram(t, 'promtool')
  if (program === undefined) return
  const folder = mkdtempSync(join(tmpdir(), 'audgate-dashboard-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'rules.yaml')
  const rules = expressions().map((expr, index) => ({ record: `panel:${index}`, expr }))
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  const { status, stdout, stderr } = await run(program, ['check', 'rules', file])
  assert.equal(status, 0, stdout + stderr)
})

const labelValues = /^label_values\((.*), (\w+)\)$/

const asked = [...alerts().map(({ expr }) => expr), ...expressions()]

test('CT-13: alerts and dashboard ask only for metrics that the code registers, by labels that they have', async (t) => {
  const exposed = await scrape(t)
  for (const expr of [...asked, ...queries.map((query) => plain(labelValues.exec(query)?.[1] ?? 'no label_values'))]) {
    const selectors = selectorsOf(expr)
    for (const { metric, matchers } of selectors) {
      assert.ok(exposed.names.has(metric) || FOREIGN[metric] !== undefined, `${metric} in ${expr}`)
      if (!metric.startsWith('audgate_')) continue
      for (const matcher of matchers) assert.equal(faultOf(matcher, metric, exposed), undefined, expr)
    }
    const known = new Set([...TARGET, ...selectors.flatMap(({ metric }) => labelsOf(metric, exposed))])
    assert.deepEqual(
      groupingOf(expr).filter((label) => !known.has(label)),
      [],
      expr,
    )
  }
  for (const query of queries) {
    const [, expr = '', label = ''] = labelValues.exec(query) ?? []
    const known = [...TARGET, ...selectorsOf(expr).flatMap(({ metric }) => labelsOf(metric, exposed))]
    assert.ok(known.includes(label), query)
  }
})

/** Labels as declared; of prom-client's metrics those that are seen. */
const labelsOf = (metric: string, { values }: Exposed): readonly string[] => {
  const base = metric.replace(/_(?:bucket|sum|count)$/, '')
  const family = metricFamilies.find(({ name }) => name === metric || name === base)
  const le = metric.endsWith('_bucket') ? ['le'] : []
  return family === undefined ? [...(values.get(metric)?.keys() ?? [])] : [...family.labels, ...le]
}

/** Why a condition on one of our metrics can never hold; undefined where it can. */
const faultOf = ({ label, op, value }: Matcher, metric: string, exposed: Exposed): string | undefined => {
  if (TARGET.includes(label)) return undefined
  if (!labelsOf(metric, exposed).includes(label)) return `${metric} has no label ${label}`
  if (value === '.*' || value.includes('.*|')) return undefined
  const seen = [...(exposed.values.get(metric)?.get(label) ?? [])]
  const possible = label === 'reason' ? [...seen, ...reasons] : seen
  const wanted = op.includes('~') ? value.split('|') : [value]
  const never = wanted.filter((one) => !possible.some((word) => new RegExp(`^(?:${one})$`).test(word)))
  return never.length > 0 ? `no ${metric} has ${label} ${never.join()}` : undefined
}

test('CT-13: every metric of ours is in the dashboard or in an alert', () => {
  const metrics = new Set(asked.flatMap((expr) => selectorsOf(expr).map(({ metric }) => metric)))
  const missing = metricFamilies
    .map(({ name, type }) => (type === 'histogram' ? `${name}_bucket` : name))
    .filter((name) => !metrics.has(name))
  assert.deepEqual(missing, [])
})

test('CT-13: every foreign metric that is allowed is asked for', () => {
  const metrics = new Set(asked.flatMap((expr) => selectorsOf(expr).map(({ metric }) => metric)))
  for (const [name, by] of Object.entries(FOREIGN)) assert.ok(metrics.has(name), `${name} of ${by}`)
})

test('Operations 3.3: the ConfigMap holds the dashboard as it is, where the sidecar of Grafana finds it', async (t) => {
  const values = { metrics: { dashboard: { enabled: true, folder: 'Gateways' } } }
  for (const helm of requireHelms(t)) {
    const text = await render(helm, { values, release: 'one' })
    const map = manifestsOf(text).find(({ metadata }) => metadata.name === 'one-audgate-dashboard')
    assert.ok(map)
    assert.equal(map.metadata.labels?.grafana_dashboard, '1')
    assert.equal(map.metadata.annotations?.grafana_folder, 'Gateways')
    const data = at(map, 'data')
    assert.ok(typeof data === 'object' && data !== null)
    assert.equal(
      String(Reflect.get(data, 'audgate.json')).trim(),
      readFileSync('helm/audgate/files/dashboard.json', 'utf8').trim(),
    )
    // What `kubectl apply` keeps of an object in its annotation is limited to 256 KiB.
    assert.ok(Buffer.byteLength(JSON.stringify(map)) < 250_000)
  }
})
