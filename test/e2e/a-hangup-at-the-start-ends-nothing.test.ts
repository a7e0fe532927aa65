import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { issuerYaml } from '../support/orders.ts'

const yaml = 'listen: { address: "127.0.0.1:0" }\nissuers: {}\nupstreams: {}\n'

/** Loaded before the program: a SIGHUP as soon as the first signal is listened to, long before a config is loaded. */
const early = `process.on('newListener', (name) => {
  if (name === 'SIGTERM') setImmediate(() => process.kill(process.pid, 'SIGHUP'))
})`

for (const workers of [1, 2]) {
  test(`OP-4: a SIGHUP at once, with ${workers} of \`workers\`, is served when it listens`, async (t) => {
    const file = temporaryFile(
      t,
      'audgate.yaml',
      `workers: ${workers}\nlisten: { address: "127.0.0.1:0" }\n${issuerYaml()}upstreams: {}\n`,
    )
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(early)}`
    const audgate = startAudgate(t, ['serve', '--config', file], { NODE_OPTIONS })
    await audgate.said(/"listening"/)
    if (workers === 1) await audgate.said(/"keys loaded again"/)
    audgate.child.kill('SIGTERM')
    assert.equal(await audgate.ended, 0)
  })
}

test('who is forked with AUDGATE_WORKER in its environment, by anybody but a supervisor, serves', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', yaml)
  const child = fork('src/main.ts', ['serve', '--config', file], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, AUDGATE_WORKER: '1' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  await eventually('it listens', () => /"listening"/.test(out), 10_000)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})
