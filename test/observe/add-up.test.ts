import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSums, type Exposition, readExposition } from '../../src/observe/add-up.ts'
import { metricFamilies } from '../../src/observe/families.ts'
import { gaugeRule } from '../../src/observe/gauge-rules.ts'

const none: Exposition = new Map()

const exposition = (name: string, type: string, ...lines: readonly string[]): string =>
  [`# HELP ${name} What it is.`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')

const together = (...texts: readonly string[]): string => createSums().expose(texts.map(readExposition), none)

test('one exposition alone comes out as it went in', () => {
  const text =
    exposition('a_total', 'counter', 'a_total{x="1",y="a b{}\\"\\n"} 3', 'a_total 0.25') +
    exposition('b_seconds', 'histogram', 'b_seconds_bucket{le="+Inf",p="q"} 2', 'b_seconds_sum{p="q"} 1e-7') +
    exposition('c', 'gauge')
  assert.equal(together(text), text)
})

test('counters and histograms are added up, series by series; HELP and TYPE come once, a series of one alone stays', () => {
  const one =
    exposition('a_total', 'counter', 'a_total{code="200"} 3', 'a_total{code="401"} 1') +
    exposition('b_seconds', 'histogram', 'b_seconds_bucket{le="1",p="q"} 2', 'b_seconds_sum{p="q"} 1.5')
  const other =
    exposition('a_total', 'counter', 'a_total{code="200"} 4', 'a_total{code="503"} 7') +
    exposition('b_seconds', 'histogram', 'b_seconds_bucket{le="1",p="q"} 5', 'b_seconds_sum{p="q"} 0.25')
  assert.equal(
    together(one, other),
    exposition('a_total', 'counter', 'a_total{code="200"} 7', 'a_total{code="401"} 1', 'a_total{code="503"} 7') +
      exposition('b_seconds', 'histogram', 'b_seconds_bucket{le="1",p="q"} 7', 'b_seconds_sum{p="q"} 1.75'),
  )
})

const gauges: readonly (readonly [string, number, number, number])[] = [
  ['audgate_upstream_healthy', 1, 0, 0],
  ['audgate_open_requests', 3, 4, 7],
  ['audgate_open_tunnels', 1, 1, 2],
  ['audgate_jwks_keys', 2, 0, 0],
  ['audgate_jwks_last_success_timestamp_seconds', 1_800_000_000, 1_700_000_000, 1_700_000_000],
  ['audgate_tls_certificate_not_after_timestamp_seconds', 5, 4, 4],
  ['audgate_ready', 1, 0, 0],
  ['audgate_draining', 0, 1, 1],
  ['audgate_config_last_reload_successful', 1, 0, 0],
  ['audgate_config_last_reload_success_timestamp_seconds', 7, 9, 7],
  ['audgate_config_info', 1, 1, 1],
  ['audgate_build_info', 1, 1, 1],
  ['process_resident_memory_bytes', 50, 60, 110],
  ['process_open_fds', 20, 30, 50],
  ['process_max_fds', 1024, 512, 512],
  ['process_start_time_seconds', 10, 20, 10],
  ['nodejs_eventloop_lag_p99_seconds', 0.01, 0.2, 0.2],
  ['nodejs_eventloop_lag_max_seconds', 0.3, 0.2, 0.3],
  ['nodejs_heap_size_used_bytes', 5, 6, 11],
  ['nodejs_active_handles_total', 5, 6, 11],
  ['nodejs_version_info', 1, 1, 1],
]

for (const [name, one, other, both] of gauges) {
  test(`the gauge ${name} of two that say ${one} and ${other} is ${both}, in either order`, () => {
    const texts = [exposition(name, 'gauge', `${name} ${one}`), exposition(name, 'gauge', `${name} ${other}`)]
    const expected = exposition(name, 'gauge', `${name} ${both}`)
    assert.equal(together(...texts), expected)
    assert.equal(together(...texts.toReversed()), expected)
  })
}

test('every gauge of our own has a line above, or one of its own below', () => {
  const tried = new Set([...gauges.map(([name]) => name), 'audgate_jwks_state'])
  const untried = metricFamilies.filter(({ name, type }) => type === 'gauge' && !tried.has(name))
  assert.deepEqual(untried, [])
})

test('a gauge that nobody made a rule for is as high as the highest', () => {
  assert.equal(gaugeRule('some_gauge'), 'max')
  assert.equal(gaugeRule('constructor'), 'max')
})

const states = (issuer: string, held: string): readonly string[] =>
  ['cold', 'fresh', 'stale', 'expired'].map(
    (state) => `audgate_jwks_state{issuer="${issuer}",state="${state}"} ${state === held ? 1 : 0}`,
  )

for (const [one, other, worst] of [
  ['fresh', 'fresh', 'fresh'],
  ['fresh', 'stale', 'stale'],
  ['cold', 'stale', 'cold'],
  ['expired', 'cold', 'expired'],
] as const) {
  test(`audgate_jwks_state stays one state an issuer: of ${one} and ${other} it is ${worst}`, () => {
    const name = 'audgate_jwks_state'
    const both = together(
      exposition(name, 'gauge', ...states('main', one), ...states('partner', 'fresh')),
      exposition(name, 'gauge', ...states('main', other), ...states('partner', 'fresh')),
    )
    assert.equal(both, exposition(name, 'gauge', ...states('main', worst), ...states('partner', 'fresh')))
  })
}

test('what one had counted that is gone stays in the totals, and its gauges go with it', () => {
  const sums = createSums()
  const text = (count: number): string =>
    exposition('a_total', 'counter', `a_total ${count}`) +
    exposition('audgate_open_requests', 'gauge', 'audgate_open_requests 1')
  sums.retire(readExposition(text(5)))
  sums.retire(readExposition(text(6)))
  assert.equal(
    sums.expose([readExposition(text(2))], none),
    exposition('a_total', 'counter', 'a_total 13') +
      exposition('audgate_open_requests', 'gauge', 'audgate_open_requests 1'),
  )
  assert.equal(sums.expose([], none), exposition('a_total', 'counter', 'a_total 11'), 'also when nobody lives')
})

test('a metric that is said instead takes the place of theirs, and is there without any', () => {
  const instead = readExposition(exposition('audgate_ready', 'gauge', 'audgate_ready 1'))
  const theirs = exposition('audgate_ready', 'gauge', 'audgate_ready 0') + exposition('a_total', 'counter', 'a_total 1')
  assert.equal(
    createSums().expose([readExposition(theirs)], instead),
    exposition('audgate_ready', 'gauge', 'audgate_ready 1') + exposition('a_total', 'counter', 'a_total 1'),
  )
  assert.equal(createSums().expose([], instead), exposition('audgate_ready', 'gauge', 'audgate_ready 1'))
})
