import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startUpstream } from '../support/upstream.ts'
import { startWorkers, workersYaml } from '../support/workers.ts'

/** Workers end at once with status 7 as long as the file `flag` is there. */
const crashing = (t: TestContext) => {
  const code = `import { existsSync } from 'node:fs'
if (process.env.AUDGATE_WORKER !== undefined && existsSync(new URL('flag', import.meta.url))) process.exit(7)
`
  const script = temporaryFile(t, 'crash.mjs', code)
  const flag = join(dirname(script), 'flag')
  return {
    env: { NODE_OPTIONS: `--import ${pathToFileURL(script)}` },
    begin: () => writeFileSync(flag, ''),
    end: () => rmSync(flag),
  }
}

const delays = (lines: readonly Readonly<Record<string, unknown>>[]): readonly unknown[] =>
  lines.flatMap(({ msg, ended, delay_ms: ms }) => (String(msg).startsWith('worker ended') && ended === 7 ? [ms] : []))

test('a worker in a crash loop is started again after longer and longer pauses, while the other serves and the log tells', async (t) => {
  const upstream = await startUpstream(t)
  const crash = crashing(t)
  const audgate = await startWorkers(t, upstream.url, { env: crash.env })
  await eventually('ready', async () => (await audgate.admin('/readyz')).status === 200)
  crash.begin()
  process.kill(audgate.pids().get(1) ?? 0, 'SIGKILL')
  await eventually('it crashes', () => delays(audgate.lines()).length >= 3, 30_000)
  assert.deepEqual(delays(audgate.lines()).slice(0, 3), [500, 1000, 2000], 'the kill was the first end')
  assert.equal(await audgate.ask(), 200)
  const { status, text } = await audgate.admin('/readyz?verbose')
  assert.deepEqual([status, /^worker 1: /m.test(text)], [200, true])
  crash.end()
  await eventually('it is back', async () => !/worker/.test((await audgate.admin('/readyz?verbose')).text), 30_000)
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 0)
})

test('when no worker lives to serve, the supervisor stays: alive, not started, not ready; and a signal ends it', async (t) => {
  const upstream = await startUpstream(t)
  const crash = crashing(t)
  crash.begin()
  const adminPort = await freePort()
  const file = temporaryFile(t, 'audgate.yaml', workersYaml(upstream.url, { adminPort }))
  const audgate = startAudgate(t, ['serve', '--config', file], crash.env)
  await audgate.said(/"worker":1[^\n]*worker ended/)
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).status
  assert.deepEqual([await status('/livez'), await status('/startupz'), await status('/readyz')], [200, 503, 503])
  assert.equal(await status('/issuers'), 200)
  assert.equal(await status('/routes'), 500, 'nobody can say')
  assert.match(await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(), /^audgate_ready 0$/m)
  crash.end()
  await audgate.said(/"workers":2/)
  await eventually('both are there', async () => (await status('/readyz')) === 200, 30_000)
  audgate.child.kill('SIGINT')
  assert.equal(await audgate.ended, 0)
})
