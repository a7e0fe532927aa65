import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import type { RawCase } from '../support/raw-case.ts'
import { refusedRequests } from '../support/raw-cases.ts'
import { type RawAnswer, sendRaw } from '../support/raw-http.ts'
import { sendInPieces } from '../support/raw-pieces.ts'
import { type SpiedStage, startSpied } from '../support/spy.ts'

const start = (t: TestContext): Promise<SpiedStage> =>
  startSpied(t, { entry: { at: 'https://gw.test/orders', identity_headers: { 'X-Auth-Subject': 'sub' } } })

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

/**
 * Sends every case with a good request glued behind it, and tells what was not as it must be: the answer; octets of it
 * upstream; a second answer, or a second request upstream, where the connection has to end.
 */
const faultsOf = async (
  stage: SpiedStage,
  cases: readonly RawCase[],
  send: (bytes: Buffer) => Promise<RawAnswer>,
  pieces: boolean,
): Promise<readonly string[]> => {
  const faults: string[] = []
  const run = async ({ name, bytes, status, reason, ends, late }: RawCase, index: number): Promise<void> => {
    const first = bytes.replaceAll('{path}', `/orders/case-${index}-`).replaceAll('{auth}', stage.authorization)
    // The upstream of this one answers, so that the run ends by itself when the connection is kept.
    const second = `GET /orders/second-${index}- HTTP/1.1\r\nHost: gw.test\r\n${stage.authorization}\r\nConnection: close\r\n\r\n`
    const { text, closed } = await send(Buffer.from(first + second, 'latin1'))
    const got = statuses(text)
    const fail = (what: string): unknown => faults.push(`${name}: ${what}: ${JSON.stringify(text.slice(0, 150))}`)
    if (got[0] !== status) fail(`${got[0]} instead of ${status}`)
    else if (!text.includes(`"reason":"${reason}"`)) fail(`not ${reason}`)
    const whole = stage.spy.requests.filter(({ line }) => line.includes(`case-${index}-`)).length
    // Not one octet; of content that broke in the middle, no whole request.
    if (whole > 0 || (!(late && pieces) && stage.spy.bytes().includes(`case-${index}-`))) fail('reached the upstream')
    const behind = stage.spy.bytes().includes(`second-${index}-`)
    if (!closed) fail('the connection stayed open')
    if (ends && (got.length !== 1 || behind)) fail(`carried a second request (${got})`)
    if (!ends && (got.length !== 2 || !behind)) fail(`the next request was not answered (${got})`)
  }
  for (let i = 0; i < cases.length; i += 32) {
    await Promise.all(cases.slice(i, i + 32).map((one, offset) => run(one, i + offset)))
  }
  return faults
}

test('the table is as long as it says, each name is there once, and its baseline is forwarded', async (t) => {
  assert.ok(refusedRequests.length >= 300, `${refusedRequests.length} raw requests`)
  const names = refusedRequests.map(({ name }) => name)
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
  const stage = await start(t)
  const good = `GET /orders/1 HTTP/1.1\r\nHost: gw.test\r\n${stage.authorization}\r\nConnection: close\r\n\r\n`
  assert.deepEqual(statuses((await sendRaw(stage.port, good)).text), [200])
  assert.deepEqual(statuses((await sendInPieces(stage.port, Buffer.from(good), '')).text), [200])
  assert.equal(stage.spy.requests.length, 2)
})

test('H1-1 … H1-19, H1-22, H1-24, H1-28, HS-3, HS-7, HS-11, HS-15, HS-19: what is refused reaches no upstream, and where framing is in doubt nothing behind it is a request', async (t) => {
  const stage = await start(t)
  const send = (bytes: Buffer) => sendRaw(stage.port, bytes, { quietMs: 4000 })
  assert.deepEqual(await faultsOf(stage, refusedRequests, send, false), [])
  assert.ok(!stage.spy.bytes().includes('smuggled'))
})

test('2.4 row 7: the same, octet by octet', async (t) => {
  const stage = await start(t)
  const send = (bytes: Buffer) => sendInPieces(stage.port, bytes, stage.authorization)
  assert.deepEqual(await faultsOf(stage, refusedRequests, send, true), [])
  assert.ok(!stage.spy.bytes().includes('smuggled'))
})

test('H1-24: the operator is told which field was too large by itself, and nothing of what stood in it', async (t) => {
  const stage = await start(t)
  const field = `X-Large: ${'secret'.repeat(3000)}`
  const head = ['GET /orders/1 HTTP/1.1', 'Host: gw.test', stage.authorization, field, '', '']
  const { status, text } = await sendRaw(stage.port, head.join('\r\n'))
  assert.equal(status, 431)
  assert.doesNotMatch(text, /x-large|secret/i)
  const told = async () => (await stage.log()).filter(({ reason }) => reason === 'header_too_large')
  await eventually('it is logged', async () => (await told()).length === 1)
  const [line] = await told()
  assert.match(String(line?.detail), / got more in x-large alone$/)
  assert.doesNotMatch(await stage.logText(), /secret/)
})
