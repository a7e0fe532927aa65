import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

const yaml = (upstream: string, listen = '127.0.0.1:0', more = ''): string =>
  `listen: { address: "${listen}"${more} }\nadmin: false\n${issuerYaml()}upstreams:\n  ${upstream}: { resource: ${ORDERS}, at: /orders }\n`

const listening = /"address":"127\.0\.0\.1:(\d+)"/

test('serve: forwards, and SIGTERM ends it with status 0 after what was in flight', async (t) => {
  let release: () => void = () => undefined
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    release = () => response.end('done')
  })
  const audgate = startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml(upstream.url))])
  const [, port] = await audgate.said(listening)
  const answer = fetch(`http://127.0.0.1:${port}/orders/1`, { headers: { authorization: `Bearer ${liveToken()}` } })
  while (upstream.connections() === 0) await new Promise(setImmediate)
  audgate.child.kill('SIGTERM')
  // It stops accepting while the request is still running.
  const refused = async (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/orders/2`).then(
      () => false,
      () => true,
    )
  while (!(await refused())) await new Promise(setImmediate)
  release()
  assert.equal(await (await answer).text(), 'done')
  assert.equal(await audgate.ended, 0)
  const lines = audgate
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(lines.at(-1).msg, 'closed')
  assert.equal(lines.filter(({ msg, status }) => msg === 'request' && status === 200).length, 1)
})

test('serve: what is not over within `drain` is cut, and the exit status says so', async (t) => {
  const upstream = await startUpstream(t, (request) => request.resume())
  const file = temporaryFile(t, 'audgate.yaml', yaml(upstream.url, '127.0.0.1:0', ', timeouts: { drain: 100ms }'))
  const audgate = startAudgate(t, ['serve', '--config', file])
  const [, port] = await audgate.said(listening)
  const cut = fetch(`http://127.0.0.1:${port}/orders/1`, { headers: { authorization: `Bearer ${liveToken()}` } }).catch(
    () => 'cut',
  )
  while (upstream.connections() === 0) await new Promise(setImmediate)
  audgate.child.kill('SIGINT')
  assert.equal(await audgate.ended, 1)
  assert.equal(await cut, 'cut')
})

test('serve: a second signal ends it at once', async (t) => {
  const upstream = await startUpstream(t, (request) => request.resume())
  const audgate = startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml(upstream.url))])
  const [, port] = await audgate.said(listening)
  void fetch(`http://127.0.0.1:${port}/orders/1`, { headers: { authorization: `Bearer ${liveToken()}` } }).catch(
    () => undefined,
  )
  while (upstream.connections() === 0) await new Promise(setImmediate)
  audgate.child.kill('SIGTERM')
  while (
    !(await fetch(`http://127.0.0.1:${port}/`).then(
      () => false,
      () => true,
    ))
  )
    await new Promise(setImmediate)
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 143)
})

test('serve: a port that is taken is a clear error, and nothing stays behind', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const file = temporaryFile(t, 'audgate.yaml', yaml('http://127.0.0.1:9', `127.0.0.1:${port}`))
  const audgate = startAudgate(t, ['serve', '--config', file])
  assert.equal(await audgate.ended, 1)
  assert.match(audgate.stderr(), new RegExp(`127\\.0\\.0\\.1:${port}.*listen\\.address.*taken`))
})

test('serve: a config with problems binds nothing, names them all, and exits 1', async (t) => {
  const file = temporaryFile(t, 'bad.yaml', 'isuers: {}\nupstreams: { http://127.0.0.1:9: nowhere }\n')
  const audgate = startAudgate(t, ['serve', '--config', file])
  assert.equal(await audgate.ended, 1)
  assert.match(audgate.stderr(), /bad\.yaml:1:1: .*isuers/)
  assert.match(audgate.stderr(), /bad\.yaml:2:\d+: /)
  assert.equal(audgate.stdout(), '')
})

test('serve: the dev block is ignored, and that is said', async (t) => {
  const file = temporaryFile(t, 'audgate.yaml', `${yaml('http://127.0.0.1:9')}dev: { issuer: main }\n`)
  const audgate = startAudgate(t, ['serve', '--config', file])
  await audgate.said(/the dev block is ignored/)
})

for (const [what, args, status] of [
  ['no command', [], 2],
  ['an unknown command', ['sevre'], 2],
  ['an unknown option', ['serve', '--port', '1'], 2],
  ['a name from the prototype', ['constructor'], 2],
  ['help', ['--help'], 0],
  ['help of a command', ['explain', '--help'], 0],
  ['version', ['version'], 0],
] as const) {
  test(`audgate: ${what} exits ${status}`, async (t) => {
    const audgate = startAudgate(t, args)
    assert.equal(await audgate.ended, status)
    assert.equal(audgate.stdout() === '', status === 2)
    assert.equal(audgate.stderr() === '', status === 0)
  })
}

test('serve: SIGHUP loads the keys again and keeps serving', async (t) => {
  const audgate = startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml('http://127.0.0.1:9'))])
  const [, port] = await audgate.said(listening)
  audgate.child.kill('SIGHUP')
  await audgate.said(/keys loaded again/)
  assert.equal((await fetch(`http://127.0.0.1:${port}/orders`)).status, 401)
})
