import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'

/** Audgate as the library chart starts it, without times of its own, in front of an API that can be ended. */
const start = async (t: TestContext, issuers: string) => {
  const api = createServer((_, response) => response.end('ok'))
  const apiPort = await freePort()
  await new Promise<void>((resolve) => {
    api.listen(apiPort, '127.0.0.1', resolve)
  })
  const endApi = (): Promise<void> =>
    new Promise((resolve) => {
      api.close(() => resolve())
      api.closeAllConnections()
    })
  t.after(endApi)
  const adminPort = await freePort()
  const file = temporaryFile(
    t,
    'audgate.yaml',
    `listen: 127.0.0.1:0\nadmin: 127.0.0.1:${adminPort}\n${issuers}upstreams:\n  http://127.0.0.1:${apiPort}: { resource: ${ORDERS}, at: /, retries: 0 }\n`,
  )
  const audgate = startAudgate(t, ['serve', '--config', file])
  const [, port] = await audgate.said(/"address":"127\.0\.0\.1:(\d+)"/)
  const admin = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).status
  return { ...audgate, port: Number(port), admin, endApi }
}

const request = (): string => `GET /1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${liveToken()}\r\n\r\n`

test('Operations 1.5, OP-10: /startupz is 200 while the issuer cannot be reached: the start of the API waits for it', async (t) => {
  const nobody = await freePort()
  const audgate = await start(t, `issuers: { main: 'http://127.0.0.1:${nobody}' }\n`)
  await eventually('the issuer was asked in vain', () => /"level":"(?:warn|error)".*main/.test(audgate.stdout()))
  assert.deepEqual(
    [await audgate.admin('/startupz'), await audgate.admin('/livez'), await audgate.admin('/readyz')],
    [200, 200, 503],
  )
})

test('Operations 1.5: after preStop it serves on, a dying API is 502 with Connection: close, and SIGTERM ends it at once', async (t) => {
  const audgate = await start(t, issuerYaml())
  const [served, late] = [await converse(t, audgate.port), await converse(t, audgate.port)]
  for (const client of [served, late]) {
    client.say(request())
    const text = await client.hear('the answer', (heard) => heard.endsWith('ok'))
    assert.match(text, /^HTTP\/1\.1 200 [\s\S]*\r\nConnection: keep-alive\r\n/)
  }

  // The hook of the pod: the API has its own SIGTERM at the same moment, and may take its time.
  assert.equal(await audgate.admin('/drain'), 200)
  served.say(request())
  assert.match((await served.end()).split('ok').at(1) ?? '', /^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n/)

  await audgate.endApi()
  late.say(request())
  const answers = [(await late.end()).split('ok').at(1) ?? '']
  const fresh = await converse(t, audgate.port)
  fresh.say(request())
  answers.push(await fresh.end())
  for (const answer of answers) {
    assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*\r\nConnection: close\r\n/)
    assert.match(answer, /"reason":"upstream_unreachable"/)
  }
  assert.equal(await audgate.admin('/readyz'), 200)

  const begin = performance.now()
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 0)
  // Far from `drain`, which is for what is in flight.
  assert.ok(performance.now() - begin < 10_000)
})
