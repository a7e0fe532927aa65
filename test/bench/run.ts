import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeBundles } from './bundle.ts'
import { isMeasurable } from './cpu.ts'
import { type IntrospectionEndpoint, startIntrospection } from './introspection-endpoint.ts'
import type { LoadOrder } from './load.ts'
import { type Load, startLoad, type Timed } from './load-process.ts'
import { type Contender, measure, refusesForeignTokens } from './measure.ts'
import { findProgram } from './programs.ts'
import { floorName, type Row, rowsOf } from './rows.ts'
import type { Subject } from './subjects/subject.ts'
import { startUpstream } from './subjects/upstream.ts'
import { type Measured, ratioTo, renderTable } from './table.ts'
import { benchTransport } from './transport.ts'
import { benchVerification } from './verification.ts'

// `npm run bench [-- --quick] [-- --bundle FILE]`: CPU time per request, all subjects in one run, round by round.
// `npm run bench -- --transport`: long bodies, WebSocket and latency alone.
// `npm run bench -- --verification [--quick]`: CPU time per verification, without sockets.
const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    bundle: { type: 'string' },
    verification: { type: 'boolean' },
    transport: { type: 'boolean' },
  },
})
const plan = given.quick
  ? { rounds: 6, budgetMs: 15_000, count: 1500, fresh: 300, warm: 12_000, wrkSeconds: 1 }
  : { rounds: 30, budgetMs: 90_000, count: 2500, fresh: 400, warm: 60_000, wrkSeconds: 2 }

// Each subject ends with the bench.
process.setMaxListeners(64)

const start = async (row: Row, running: Subject[]): Promise<Contender | undefined> => {
  if (!row.start) {
    console.log(`skipped: ${row.name}: ${row.why}`)
    return undefined
  }
  const subject = await row.start()
  running.push(subject)
  if (row.checks && !(await refusesForeignTokens(subject.port))) {
    throw new Error(`${row.name}: let a token for another API through`)
  }
  return { row, subject }
}

const bench = async (
  folder: string,
  running: Subject[],
  load: Load<LoadOrder, Timed>,
  introspection: IntrospectionEndpoint,
): Promise<void> => {
  const bundles = await makeBundles(folder, given.bundle)
  const nginx = findProgram('nginx')
  const upstream = await startUpstream(nginx, folder, bundles.upstream)
  running.push(upstream)
  const transport = { bundles, folder, nginx, upstreamPort: upstream.port, quick: given.quick === true }
  if (given.transport) return benchTransport(transport, running)
  const rows = await rowsOf({
    bundles,
    folder,
    upstreamPort: upstream.port,
    nginx,
    haproxy: findProgram('haproxy'),
    freshPerRound: plan.fresh,
    provenPerRound: plan.count,
    introspection: introspection.url,
  })
  const contenders: Contender[] = []
  for (const row of rows) {
    const contender = await start(row, running)
    if (contender) contenders.push(contender)
  }
  const wrk = findProgram('wrk')
  if (wrk === undefined) console.log('skipped: the column "µs, wrk": wrk is not installed')
  const { rounds, measured } = await measure(contenders, load, { ...plan, wrk })
  console.log(`\nAudgate is ${bundles.made}; Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}.`)
  console.log(`Upstream: ${nginx === undefined ? 'node:http' : 'nginx'}, 1 kB of JSON. 32 keep-alive connections.`)
  console.log(`${rounds} rounds of ${plan.count} requests (${plan.fresh} with tokens never seen before), in turn.`)
  console.log('Request logs on: to a pipe that is read (nginx: to a file). CPU: user + system, workers included.\n')
  console.log(renderTable(measured, floorName))
  console.log(`\n${describeMatching(measured)}`)
  console.log(`The issuer was asked about the opaque token ${introspection.asked()} time(s).`)
  await benchTransport(transport, running)
}

const describeMatching = (measured: readonly Measured[]): string => {
  const cpuOf = (name: string) => measured.find((row) => row.name === name)?.cpu ?? []
  const ratio = ratioTo(cpuOf('Audgate, 10 resources'), cpuOf('Audgate, 10,000 resources'))
  return `10,000 resources cost ${ratio.toFixed(2)} × what 10 cost, per request (both without V8's idle-time collections).`
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(status))
}

if (given.verification) {
  await benchVerification(given.quick ? 5 : 15)
} else if (!isMeasurable()) {
  console.log('skipped: CPU time per process is read from /proc/PID/task/*/schedstat, which this system does not have.')
} else {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  const running: Subject[] = []
  const load = startLoad()
  const introspection = await startIntrospection()
  try {
    await bench(folder, running, load, introspection)
  } finally {
    load.stop()
    introspection.stop()
    await Promise.all(running.map((subject) => subject.stop()))
  }
}
