import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RawCase, refusedRequests } from '../support/raw-cases.ts'
import { sendRaw } from '../support/raw-http.ts'
import { type SpiedStage, startSpied } from '../support/spy.ts'

const start = (t: Parameters<typeof startSpied>[0]): Promise<SpiedStage> =>
  startSpied(t, { entry: { at: 'https://gw.test/orders' } })

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

test('the table is as long as it says, and its baseline is forwarded', async (t) => {
  assert.ok(refusedRequests.length >= 150, `${refusedRequests.length} raw requests`)
  const stage = await start(t)
  const good = `GET /orders/1 HTTP/1.1\r\nHost: gw.test\r\n${stage.authorization}\r\nConnection: close\r\n\r\n`
  assert.deepEqual(statuses((await sendRaw(stage.port, `${good}`)).text), [200])
  assert.equal(stage.spy.requests.length, 1)
})

test('H1-1 … H1-28: what is refused reaches no upstream, and where framing is in doubt nothing behind it is a request', async (t) => {
  const stage = await start(t)
  const faults: string[] = []
  const run = async ({ name, bytes, status, reason, ends }: RawCase, index: number): Promise<void> => {
    const first = bytes.replaceAll('{path}', `/orders/case-${index}-`).replaceAll('{auth}', stage.authorization)
    // The upstream of this one answers, so that the run ends by itself when the connection is kept.
    const second = `GET /orders/second-${index}- HTTP/1.1\r\nHost: gw.test\r\n${stage.authorization}\r\nConnection: close\r\n\r\n`
    const { text, closed } = await sendRaw(stage.port, Buffer.from(first + second, 'latin1'), { quietMs: 4000 })
    const got = statuses(text)
    const seen = (what: string): number =>
      stage.spy.requests.filter(({ line }) => line.includes(`${what}-${index}-`)).length
    const fail = (what: string): unknown => faults.push(`${name}: ${what}: ${JSON.stringify(text.slice(0, 150))}`)
    if (got[0] !== status) fail(`${got[0]} instead of ${status}`)
    else if (reason !== undefined && !text.includes(`"reason":"${reason}"`)) fail(`not ${reason}`)
    if (seen('case') > 0) fail('reached the upstream')
    if (!closed) fail('the connection stayed open')
    if (ends && (got.length !== 1 || seen('second') > 0)) fail(`carried a second request (${got})`)
    if (!ends && (got.length !== 2 || seen('second') !== 1)) fail(`the next request was not answered (${got})`)
  }
  for (let i = 0; i < refusedRequests.length; i += 16) {
    await Promise.all(refusedRequests.slice(i, i + 16).map((one, offset) => run(one, i + offset)))
  }
  assert.deepEqual(faults, [])
})
