import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { freePort } from '../support/free-port.ts'
import { allGone, workersYaml } from '../support/workers.ts'

const takenPort = async (t: TestContext): Promise<number> => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  return (taken.address() as { port: number }).port
}

const start = (t: TestContext, yaml: string) =>
  startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml)])

test('a port that is taken is one clear message and status 1, and no worker stays behind', async (t) => {
  const port = await takenPort(t)
  const yaml = workersYaml('http://127.0.0.1:9', {
    workers: 3,
    listen: { address: `127.0.0.1:${port}` },
    adminPort: await freePort(),
  })
  const audgate = start(t, yaml)
  assert.equal(await audgate.ended, 1)
  const said = audgate.stderr().match(/cannot listen on [^\n]*/g) ?? []
  assert.deepEqual(said, [
    `cannot listen on 127.0.0.1:${port} (config key listen.address): the port is taken by another process`,
  ])
  const pids = audgate
    .stdout()
    .split('\n')
    .filter((line) => line.includes('worker started'))
    .map((line): number => JSON.parse(line).pid)
  assert.equal(pids.length, 3)
  await allGone(pids)
})

test('an admin port that is taken is said before any worker is started', async (t) => {
  const adminPort = await takenPort(t)
  const audgate = start(t, workersYaml('http://127.0.0.1:9', { adminPort }))
  assert.equal(await audgate.ended, 1)
  assert.match(audgate.stderr(), new RegExp(`127\\.0\\.0\\.1:${adminPort} \\(config key admin\\): the port is taken`))
  assert.doesNotMatch(audgate.stdout(), /worker started/)
})

test('a config with problems starts no worker, and each problem is named once', async (t) => {
  const audgate = start(t, 'workers: 2\nisuers: {}\nupstreams: { http://127.0.0.1:9: nowhere }\n')
  assert.equal(await audgate.ended, 1)
  assert.equal(audgate.stdout(), '')
  assert.equal(audgate.stderr().match(/audgate\.yaml:2:1: /g)?.length, 1)
})
