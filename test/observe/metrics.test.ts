import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { reasons } from '../../src/decision/challenge.ts'
import { metricFamilies } from '../../src/observe/families.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { requireProgram } from '../support/programs.ts'
import { orders, record, resource, route } from '../support/records.ts'
import { refusals } from '../support/refusals.ts'

const create = () =>
  createMetrics({
    version: '1.2.3',
    node: 'v26.0.0',
    configHash: 'abcdef012345',
    issuers: ['main', 'partner'],
    health: () => [{ resource: 'orders', upstream: 'http://127.0.0.1:3000/v1', healthy: true }],
    certificates: { listen: 4_102_444_800 },
    now: () => 1_800_000_000,
  })
type Metrics = ReturnType<typeof create>

/** The lines of our own metrics, `name{labels} value`. */
const series = async (metrics: Metrics, name = 'audgate_'): Promise<readonly string[]> =>
  (await metrics.expose()).split('\n').filter((line) => line.startsWith(name))

const has = async (metrics: Metrics, ...lines: readonly string[]): Promise<void> => {
  const exposed = await series(metrics)
  for (const line of lines) assert.ok(exposed.includes(line), `${line}\nis not among\n${exposed.join('\n')}`)
}

test('Contract section 7: an allowed request is counted under the names of the config', async () => {
  const metrics = create()
  metrics.record(record())
  metrics.record(record())
  await has(
    metrics,
    'audgate_requests_total{resource="orders",route="GET /{id}",method="GET",code="200"} 2',
    'audgate_decisions_total{resource="orders",route="GET /{id}",decision="allow",reason="none"} 2',
    'audgate_request_duration_seconds_bucket{le="0.01",resource="orders",code_class="2xx"} 0',
    'audgate_request_duration_seconds_bucket{le="0.025",resource="orders",code_class="2xx"} 2',
    'audgate_request_duration_seconds_bucket{le="+Inf",resource="orders",code_class="2xx"} 2',
    'audgate_request_duration_seconds_sum{resource="orders",code_class="2xx"} 0.025',
    'audgate_request_duration_seconds_count{resource="orders",code_class="2xx"} 2',
    'audgate_upstream_duration_seconds_bucket{le="0.01",resource="orders"} 2',
    'audgate_upstream_duration_seconds_bucket{le="0.005",resource="orders"} 0',
  )
})

test('TC-9: a refused request is counted under its reason, whatever the reason', async () => {
  const metrics = create()
  for (const refusal of Object.values(refusals)) {
    metrics.record(record({ decision: 'deny', refusal, status: 401, forwardedAt: 0, upstreamHeadAt: 0 }))
  }
  await has(
    metrics,
    ...reasons.map(
      (reason) => `audgate_decisions_total{resource="orders",route="GET /{id}",decision="deny",reason="${reason}"} 1`,
    ),
    `audgate_requests_total{resource="orders",route="GET /{id}",method="GET",code="401"} ${reasons.length}`,
  )
})

test('An admitted request that the upstream failed is an upstream error and no denial', async () => {
  const metrics = create()
  metrics.record(record({ refusal: refusals.upstream_timeout, status: 504, upstreamHeadAt: 0 }))
  await has(
    metrics,
    'audgate_upstream_errors_total{resource="orders",reason="upstream_timeout"} 1',
    'audgate_decisions_total{resource="orders",route="GET /{id}",decision="allow",reason="none"} 1',
    'audgate_request_duration_seconds_count{resource="orders",code_class="5xx"} 1',
  )
  assert.deepEqual(await series(metrics, 'audgate_upstream_duration_seconds_count'), [], 'no response head came')
})

test('What no name covers is _unmatched or _other', async () => {
  const metrics = create()
  metrics.record(record({ resource: undefined, route: undefined, method: 'PROPFIND', status: 0 }))
  metrics.record(record({ route: undefined, method: 'get', status: 999 }))
  await has(
    metrics,
    'audgate_requests_total{resource="_unmatched",route="_unmatched",method="_other",code="_other"} 1',
    'audgate_requests_total{resource="orders",route="_unmatched",method="_other",code="_other"} 1',
    'audgate_request_duration_seconds_count{resource="_unmatched",code_class="_other"} 1',
  )
})

for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']) {
  test(`The method ${method} is a label of its own`, async () => {
    const metrics = create()
    metrics.record(record({ method }))
    await has(metrics, `audgate_requests_total{resource="orders",route="GET /{id}",method="${method}",code="200"} 1`)
  })
}

test('Overhead is the time to the decision, and the time that was not the upstream or a body', async () => {
  const metrics = create()
  metrics.record(record()) // 0.25 ms to the decision; 0.5 ms to the hand-over and 0.25 ms from head to head
  metrics.record(record({ forwardedAt: 0, upstreamHeadAt: 0, headAt: 0, endedAt: 1002 })) // refused in 2 ms
  metrics.record(record({ status: 0, decidedAt: 0, forwardedAt: 0, upstreamHeadAt: 0, headAt: 0 })) // never answered
  metrics.record(record({ headAt: 0 })) // the client left before our head: 0.5 ms
  await has(
    metrics,
    'audgate_overhead_seconds_bucket{le="0.00025",phase="decide"} 3',
    'audgate_overhead_seconds_bucket{le="0.0001",phase="decide"} 0',
    'audgate_overhead_seconds_bucket{le="0.0005",phase="total"} 1',
    'audgate_overhead_seconds_bucket{le="0.001",phase="total"} 2',
    'audgate_overhead_seconds_sum{phase="total"} 0.00325',
    'audgate_overhead_seconds_count{phase="total"} 3',
    'audgate_overhead_seconds_count{phase="decide"} 3',
  )
})

test('After a reload a number may mean another resource and route: the names count', async () => {
  const metrics = create()
  metrics.record(record())
  const billing = resource(0, 'billing', ['GET /x', 'GET /{id}'])
  metrics.record(record({ resource: billing, route: billing.all[0] }))
  const moved = resource(5, 'orders', ['POST /', 'GET /{id}'])
  metrics.record(record({ resource: moved, route: moved.all[1] }))
  metrics.record(record({ resource: moved, route: moved.all[0] }))
  metrics.record(record())
  await has(
    metrics,
    'audgate_requests_total{resource="orders",route="GET /{id}",method="GET",code="200"} 3',
    'audgate_requests_total{resource="orders",route="POST /",method="GET",code="200"} 1',
    'audgate_requests_total{resource="billing",route="GET /x",method="GET",code="200"} 1',
  )
})

test('TC-8, attack 2.6 row 19: ten thousand random paths, methods, hosts and identities add a handful of series', async () => {
  const metrics = create()
  const told = (at: number, change = {}) =>
    metrics.record(
      record({
        path: `/p/${Math.random()}`,
        method: ['GET', 'POST', `M${Math.random()}`][at % 3] ?? 'GET',
        host: `h${Math.random()}.example`,
        requestId: String(Math.random()),
        clientId: String(Math.random()),
        issuer: `https://${Math.random()}`,
        remoteAddress: `192.0.2.${at % 250}`,
        ...change,
      }),
    )
  for (let at = 0; at < 3; at++) told(at)
  for (let at = 0; at < 3; at++) told(at, { resource: undefined, route: undefined })
  metrics.tokenEvents.validated('https://stranger', 'issuer_untrusted')
  metrics.tokenEvents.validated('main', 'no such reason')
  const before = (await series(metrics)).length
  for (let at = 0; at < 10_000; at++) {
    told(at, at % 2 === 0 ? {} : { resource: undefined, route: undefined })
    metrics.tokenEvents.validated(`https://${Math.random()}`, 'issuer_untrusted')
    metrics.tokenEvents.validated('main', `kid ${Math.random()}`)
    metrics.keyEvents.unknownKid(`i${Math.random()}`)
    metrics.keyEvents.fetched(`i${Math.random()}`, 'ok')
    metrics.keyEvents.stateChanged(`i${Math.random()}`, { state: 'fresh', keys: 1, lastSuccess: 1 })
  }
  assert.equal((await series(metrics)).length, before)
  await has(
    metrics,
    'audgate_token_validations_total{issuer="_unknown",result="refused",reason="issuer_untrusted"} 10001',
  )
})

test('TC-8: a name of the config that needs escapes stays one label', async () => {
  const metrics = create()
  const key = 'GET /"\\x\n"'
  metrics.record(record({ route: route(7, key), resource: orders }))
  await has(metrics, 'audgate_requests_total{resource="orders",route="GET /\\"\\\\x\\n\\"",method="GET",code="200"} 1')
})

test('Token validations and the cache are counted', async () => {
  const metrics = create()
  metrics.tokenEvents.validated('main', 'none')
  metrics.tokenEvents.validated('main', 'token_expired')
  metrics.tokenEvents.validated('main', 'token_expired')
  metrics.tokenEvents.validated(undefined, 'token_malformed')
  metrics.tokenEvents.validated('main', 'no such reason')
  metrics.tokenEvents.cache('hit')
  await has(
    metrics,
    'audgate_token_validations_total{issuer="main",result="ok",reason="none"} 1',
    'audgate_token_validations_total{issuer="main",result="refused",reason="token_expired"} 2',
    'audgate_token_validations_total{issuer="_unknown",result="refused",reason="token_malformed"} 1',
    'audgate_token_validations_total{issuer="main",result="refused",reason="_other"} 1',
    'audgate_token_cache_total{result="hit"} 1',
    'audgate_token_cache_total{result="miss"} 0',
  )
})

test('The state of the keys is told from the start, and follows the events', async () => {
  const metrics = create()
  await has(
    metrics,
    'audgate_jwks_state{issuer="main",state="cold"} 1',
    'audgate_jwks_state{issuer="partner",state="cold"} 1',
    'audgate_jwks_keys{issuer="main"} 0',
    'audgate_jwks_last_success_timestamp_seconds{issuer="main"} 0',
    'audgate_jwks_unknown_kid_total{issuer="main"} 0',
  )
  metrics.keyEvents.fetched('main', 'timeout')
  metrics.keyEvents.fetched('main', 'ok')
  metrics.keyEvents.stateChanged('main', { state: 'fresh', keys: 3, lastSuccess: 1_800_000_000 })
  metrics.keyEvents.unknownKid('main')
  await has(
    metrics,
    'audgate_jwks_fetches_total{issuer="main",result="timeout"} 1',
    'audgate_jwks_fetches_total{issuer="main",result="ok"} 1',
    'audgate_jwks_state{issuer="main",state="cold"} 0',
    'audgate_jwks_state{issuer="main",state="fresh"} 1',
    'audgate_jwks_keys{issuer="main"} 3',
    'audgate_jwks_last_success_timestamp_seconds{issuer="main"} 1800000000',
    'audgate_jwks_unknown_kid_total{issuer="main"} 1',
    'audgate_jwks_state{issuer="partner",state="cold"} 1',
  )
  metrics.keyEvents.stateChanged('main', { state: 'expired', keys: 3, lastSuccess: 1_700_000_000 })
  await has(metrics, 'audgate_jwks_keys{issuer="main"} 0', 'audgate_jwks_state{issuer="main",state="expired"} 1')
})

test('A refresh that found nothing new is a success, though no state changed', async () => {
  const metrics = create()
  metrics.keyEvents.fetched('main', 'not_modified')
  await has(metrics, 'audgate_jwks_last_success_timestamp_seconds{issuer="main"} 1800000000')
})

test('Readiness, draining, requests in flight and what is running are gauges', async () => {
  const metrics = create()
  await has(
    metrics,
    'audgate_ready 0',
    'audgate_draining 0',
    'audgate_open_requests 0',
    'audgate_config_last_reload_successful 1',
    'audgate_config_last_reload_success_timestamp_seconds 1800000000',
    'audgate_config_info{hash="abcdef012345"} 1',
    'audgate_build_info{version="1.2.3",node="v26.0.0"} 1',
  )
  metrics.setReady(true)
  metrics.setDraining(true)
  metrics.opened()
  metrics.opened()
  metrics.closed()
  await has(metrics, 'audgate_ready 1', 'audgate_draining 1', 'audgate_open_requests 1')
})

test('Contract section 7: a request that became a tunnel is counted as a tunnel, and as no request, until it ends', async () => {
  const metrics = create()
  metrics.opened()
  metrics.opened()
  metrics.tunnelOpened()
  await has(metrics, 'audgate_open_requests 1', 'audgate_open_tunnels 1')
  metrics.tunnelClosed()
  metrics.closed()
  await has(metrics, 'audgate_open_requests 0', 'audgate_open_tunnels 0')
})

test('Contract section 7: how a replica is shows at every scrape, in one series', async () => {
  let healthy = true
  const metrics = createMetrics({
    version: '1',
    node: 'v26',
    configHash: 'x',
    issuers: [],
    health: () => [{ resource: 'orders', upstream: 'unix:/run/a.sock', healthy }],
    certificates: {},
    now: () => 1,
  })
  const name = 'audgate_upstream_healthy'
  assert.deepEqual(await series(metrics, name), [`${name}{resource="orders",upstream="unix:/run/a.sock"} 1`])
  healthy = false
  assert.deepEqual(await series(metrics, name), [`${name}{resource="orders",upstream="unix:/run/a.sock"} 0`])
})

/** Everything that can be counted is counted once. */
const busy = (): Metrics => {
  const metrics = create()
  metrics.record(record())
  metrics.record(record({ resource: undefined, route: undefined, decision: 'deny', refusal: refusals.host_unknown }))
  metrics.record(record({ refusal: refusals.upstream_timeout, status: 504 }))
  metrics.tokenEvents.validated('main', 'none')
  metrics.keyEvents.fetched('main', 'ok')
  metrics.introspected('main', 'active')
  return metrics
}

test('The table of metrics is what is exposed: names, types, help and labels', async () => {
  const lines = (await busy().expose()).split('\n')
  const exposed = lines.filter((line) => line.startsWith('# TYPE audgate_')).map((line) => line.slice(7))
  assert.deepEqual(
    exposed,
    metricFamilies.map(({ name, type }) => `${name} ${type}`),
  )
  for (const { name, help, labels } of metricFamilies) {
    assert.ok(lines.includes(`# HELP ${name} ${help}`))
    const sample = lines.find((line) => line.startsWith(`${name}{`) || line.startsWith(`${name}_count{`))
    const found = [...(sample ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label)
    assert.deepEqual(found, [...labels], name)
  }
})

test("prom-client's process metrics are there", async () => {
  const exposed = await create().expose()
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.match(exposed, new RegExp(`^${name} `, 'm'))
  }
})

test('promtool finds no fault in the exposition of our own metrics', async (t) => {
  const promtool = requireProgram(t, 'promtool')
  if (promtool === undefined) return
  const exposed = await busy().expose()
  const { stderr, stdout } = spawnSync(promtool, ['check', 'metrics'], { input: exposed, encoding: 'utf8' })
  const faults = `${stdout}${stderr}`.split('\n').filter((line) => line !== '')
  // prom-client's own names (nodejs_active_handles_total) offend the linter; a syntax error would name no metric.
  const accepted = faults.filter((line) => /^(?:nodejs|process)_/.test(line))
  assert.deepEqual(faults, accepted)
})

test('a client that left before anything was decided counts as a request, and as no decision', async () => {
  const metrics = createMetrics({
    version: '1',
    node: 'v26',
    configHash: 'x',
    issuers: [],
    health: () => [],
    certificates: {},
    now: () => 1,
  })
  metrics.record(record({ decision: 'deny', refusal: undefined, status: 0, delivery: 'broken', brokenBy: 'client' }))
  const text = await metrics.expose()
  assert.match(text, /^audgate_requests_total\{.*code="_other"\} 1$/m)
  assert.doesNotMatch(text, /^audgate_decisions_total\{/m)
})

test('Contract section 7: introspections are counted by issuer and result, and strangers add no series', async () => {
  const metrics = create()
  metrics.introspected('main', 'active')
  metrics.introspected('main', 'active')
  metrics.introspected('main', 'busy')
  metrics.introspected('nobody', 'active')
  assert.deepEqual(await series(metrics, 'audgate_introspections_total'), [
    'audgate_introspections_total{issuer="main",result="active"} 2',
    'audgate_introspections_total{issuer="main",result="busy"} 1',
  ])
})

test('Contract section 7: when a certificate ends is a gauge that follows its renewal', async () => {
  const name = 'audgate_tls_certificate_not_after_timestamp_seconds'
  const metrics = create()
  await has(metrics, `${name}{name="listen"} 4102444800`)
  metrics.reloaded({ configHash: 'abc', certificates: { listen: 4_202_444_800 } })
  assert.deepEqual(await series(metrics, name), [`${name}{name="listen"} 4202444800`])
})

test('Contract section 7: a reload replaces the gauges of the config, and a failed one only says so', async () => {
  const metrics = create()
  const info = 'audgate_config_info'
  metrics.reloadFailed()
  await has(metrics, 'audgate_config_last_reload_successful 0', `${info}{hash="abcdef012345"} 1`)
  metrics.reloaded({ configHash: '0123456789ab', certificates: { 'upstream:orders': 4_102_444_801 } })
  await has(metrics, 'audgate_config_last_reload_successful 1')
  assert.deepEqual(await series(metrics, info), [`${info}{hash="0123456789ab"} 1`])
  assert.deepEqual(await series(metrics, 'audgate_tls'), [
    'audgate_tls_certificate_not_after_timestamp_seconds{name="upstream:orders"} 4102444801',
  ])
})

test('operations 4.5: gauges of an issuer go with it, its counters stay and go on when it is back', async () => {
  const metrics = create()
  const report = { state: 'fresh', keys: 2, lastSuccess: 1_700_000_000 } as const
  metrics.keyEvents.stateChanged('partner', report)
  metrics.keyEvents.fetched('partner', 'ok')
  metrics.issuersRemoved(['partner', 'nobody'])
  const left = (await series(metrics, 'audgate_jwks')).filter((line) => line.includes('partner'))
  assert.deepEqual(left, [
    'audgate_jwks_fetches_total{issuer="partner",result="ok"} 1',
    'audgate_jwks_unknown_kid_total{issuer="partner"} 0',
  ])
  // What it still reports brings nothing back.
  metrics.keyEvents.stateChanged('partner', report)
  metrics.keyEvents.fetched('partner', 'ok')
  assert.ok(!(await metrics.expose()).includes('audgate_jwks_keys{issuer="partner"}'))
  metrics.issuersAdded(['partner', 'third'])
  metrics.keyEvents.fetched('partner', 'ok')
  await has(
    metrics,
    'audgate_jwks_fetches_total{issuer="partner",result="ok"} 3',
    'audgate_jwks_keys{issuer="partner"} 0',
    'audgate_jwks_state{issuer="partner",state="cold"} 1',
    'audgate_jwks_keys{issuer="third"} 0',
  )
  metrics.issuersAdded(['partner'])
  assert.equal((await series(metrics, 'audgate_jwks_keys{issuer="partner"}')).length, 1)
})
