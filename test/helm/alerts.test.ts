import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { requireProgram } from '../support/programs.ts'
import { type Alert, alerts, alertsOf, type Group, RULES } from './alert-rules.ts'
import { at, only, refusal, render, requireHelms, run } from './chart.ts'
import { groupingOf, selectorsOf } from './promql.ts'

const TESTS = ['test/helm/alerts.test.yaml', 'test/helm/alerts-of-a-day.test.yaml']

/** Metrics that other programs expose, and what for; their `job` is not ours. */
const FOREIGN: ReadonlySet<string> = new Set(['kube_pod_container_resource_limits'])

/** What an alert tells about one burst; there is no state to wait for. */
const AT_ONCE: readonly string[] = ['AudgateAudienceMismatch', 'AudgateDpopReplay']

const promtool = async (t: TestContext, ...args: readonly string[]): Promise<void> => {
  const program = requireProgram(t, 'promtool')
  if (program === undefined) return
  const { status, stdout, stderr } = await run(program, args)
  assert.equal(status, 0, stdout + stderr)
}

test('Operations 3.4: promtool takes the alerts as they are, without Helm', (t) => promtool(t, 'check', 'rules', RULES))

test('Operations 3.4: every alert fires for what it is for, and not for what looks like it', (t) =>
  promtool(t, 'test', 'rules', ...TESTS))

interface UnitTest {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[]
}

const unitTests = TESTS.flatMap((file): readonly UnitTest[] => parse(readFileSync(file, 'utf8')).tests)
const expected = unitTests.flatMap(({ alert_rule_test }) => alert_rule_test)
const names = [...new Set(alerts().map(({ alert }) => alert))]

test('Operations 3.4: every alert of the reference is there', () => {
  assert.deepEqual([...names].sort(), [
    'AudgateAudienceMismatch',
    'AudgateCertificateExpiring',
    'AudgateConfigDrift',
    'AudgateConfigReloadFailed',
    'AudgateDenySpike',
    'AudgateDown',
    'AudgateDpopReplay',
    'AudgateEventLoopLag',
    'AudgateHighErrorRatio',
    'AudgateJwksExpired',
    'AudgateJwksStale',
    'AudgateMemoryNearLimit',
    'AudgateSlowOverhead',
    'AudgateStoreUnavailable',
    'AudgateUnknownKidSpike',
    'AudgateUpstreamFailing',
  ])
})

for (const name of names) {
  test(`${name} has a unit test in which it fires and one in which it does not`, () => {
    const own = expected.filter(({ alertname }) => alertname === name)
    assert.ok(own.some(({ exp_alerts }) => exp_alerts.length > 0))
    assert.ok(own.some(({ exp_alerts }) => exp_alerts.length === 0))
  })

  test(`${name} has its paragraph in the runbook`, () => {
    const runbook = readFileSync('helm/audgate/files/README.md', 'utf8')
    assert.match(runbook, new RegExp(`^### ${name}\n\n\\S`, 'm'))
  })
}

const titleOf = ({ alert, labels: { severity, cause, ...further } }: Alert): string =>
  [alert, severity, cause, ...Object.values(further)].filter((word) => word !== undefined).join(' ')

for (const alert of alerts()) {
  test(`${titleOf(alert)}: somebody who is woken by it can tell what is wrong and where`, () => {
    const { severity } = alert.labels
    assert.ok(severity === 'critical' || severity === 'warning' || severity === 'info', severity)
    const { summary = '', description = '', ...further } = alert.annotations
    // A summary is the same for all alerts of a name, so that they can be grouped.
    assert.match(summary, /^[A-Z][^{}]*\.$/)
    assert.match(description, /\{\{.*\}\}/)
    assert.deepEqual(further, {})
    const told = [...description.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label)
    const kept = groupingOf(alert.expr)
    assert.deepEqual(
      told.filter((label) => !kept.includes(label)),
      [],
      'labels that the expression does not keep',
    )
    assert.equal(alert.for === undefined, AT_ONCE.includes(alert.alert))
  })

  test(`${titleOf(alert)}: every selector names the job, where the chart puts the release`, () => {
    for (const { metric, matchers } of selectorsOf(alert.expr)) {
      const job = matchers.filter(({ label }) => label === 'job')
      const ours = [{ label: 'job', op: '=', value: 'audgate' }]
      assert.deepEqual(job, FOREIGN.has(metric) ? [] : ours, metric)
    }
    assert.equal(selectorsOf(alert.expr).length > 0, true)
    assert.equal(JSON.stringify(alert.annotations).includes('job="audgate"'), false)
  })
}

const isGroups = (value: unknown): value is readonly Group[] => Array.isArray(value)

/** The groups of the PrometheusRule, after promtool has taken them. */
const rendered = async (t: TestContext, text: string): Promise<readonly Group[]> => {
  const groups = at(only('PrometheusRule', text), 'spec.groups')
  assert.ok(isGroups(groups))
  const folder = mkdtempSync(join(tmpdir(), 'audgate-rules-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'rules.yaml')
  writeFileSync(file, stringify({ groups }))
  await promtool(t, 'check', 'rules', file)
  return groups
}

const withRules = (prometheusRule: object = {}) => ({
  metrics: { prometheusRule: { enabled: true, ...prometheusRule } },
})

test('Operations 3.4: of two releases none alerts for the other, nor for one of the same name elsewhere', async (t) => {
  for (const helm of requireHelms(t)) {
    for (const [release, namespace, job] of [
      ['one', 'apps', 'one-audgate'],
      ['two', 'apps', 'two-audgate'],
      ['one', 'more', 'one-audgate'],
    ] as const) {
      const groups = await rendered(t, await render(helm, { release, namespace, values: withRules() }))
      const found = alertsOf({ groups })
      assert.equal(found.length, alerts().length)
      for (const { alert, expr, annotations } of found) {
        for (const { metric, matchers } of selectorsOf(expr)) {
          if (FOREIGN.has(metric)) continue
          const place = matchers.filter(({ label }) => label === 'job' || label === 'namespace')
          assert.deepEqual(
            place,
            [
              { label: 'job', op: '=', value: job },
              { label: 'namespace', op: '=', value: namespace },
            ],
            `${helm.name} ${alert} ${metric}`,
          )
        }
        assert.equal('runbook_url' in annotations, false)
      }
    }
  }
})

test('CH-7: the job that the alerts ask for is the one that both monitors give', async (t) => {
  for (const helm of requireHelms(t)) {
    const monitors = { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } }
    const text = await render(helm, { release: 'one', values: { metrics: monitors } })
    const job = { action: 'replace', targetLabel: 'job', replacement: 'one-audgate' }
    assert.deepEqual(at(only('ServiceMonitor', text), 'spec.endpoints.0.relabelings.0'), job)
    assert.deepEqual(at(only('PodMonitor', text), 'spec.podMetricsEndpoints.0.relabelings.0'), job)
  }
})

test('Operations 1.4: an alert that is disabled is gone with all its rules, and its group when it is empty', async (t) => {
  for (const helm of requireHelms(t)) {
    const disabled = ['AudgateDown', 'AudgateStoreUnavailable']
    const groups = await rendered(t, await render(helm, { values: withRules({ disabled }) }))
    const left = new Set(alertsOf({ groups }).map(({ alert }) => alert))
    assert.deepEqual(
      names.filter((name) => !left.has(name)),
      disabled,
    )
    assert.equal(
      groups.some(({ name }) => name === 'audgate.store'),
      false,
    )
    assert.equal(
      groups.some(({ name }) => name === 'audgate.availability'),
      true,
    )
  }
})

test('Operations 1.4: a name to disable that no alert has is a mistake, and is refused with the names there are', async (t) => {
  for (const helm of requireHelms(t)) {
    const said = await refusal(helm, { values: withRules({ disabled: ['AudgateDonw'] }) })
    assert.match(said, /"AudgateDonw", and no alert has that name\. There are .*AudgateDown, /)
  }
})

for (const [runbookBaseUrl, url] of [
  ['https://runbooks.example/audgate#', 'https://runbooks.example/audgate#audgatedown'],
  ['https://runbooks.example/audgate', 'https://runbooks.example/audgate/audgatedown'],
  ['https://runbooks.example/{{ .Release.Name }}/', 'https://runbooks.example/gate/audgatedown'],
] as const) {
  test(`Operations 1.4: with the base ${runbookBaseUrl} every alert has a runbook_url`, async (t) => {
    for (const helm of requireHelms(t)) {
      const groups = await rendered(t, await render(helm, { values: withRules({ runbookBaseUrl }) }))
      const found = alertsOf({ groups })
      assert.equal(found.find(({ alert }) => alert === 'AudgateDown')?.annotations.runbook_url, url)
      assert.equal(
        found.every(({ annotations }) => annotations.runbook_url !== undefined),
        true,
      )
    }
  })
}
