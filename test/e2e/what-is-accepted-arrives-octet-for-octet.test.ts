import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { acceptedRequests } from '../support/raw-accepted-cases.ts'
import type { AcceptedCase } from '../support/raw-case.ts'
import { type RawAnswer, sendRaw } from '../support/raw-http.ts'
import { sendInPieces } from '../support/raw-pieces.ts'
import { type SpiedStage, startSpied, type WireRequest } from '../support/spy.ts'

const start = (t: TestContext): Promise<SpiedStage> =>
  startSpied(t, { entry: { at: 'https://gw.test/orders', identity_headers: { 'X-Auth-Subject': 'sub' } } })

/** What the gateway itself says in every request, each once. */
const own: readonly RegExp[] = [
  /^host: 127\.0\.0\.1:\d+$/,
  /^connection: (?:keep-alive|close)$/,
  /^X-Forwarded-For: 127\.0\.0\.1$/,
  /^X-Forwarded-Proto: http$/,
  /^X-Forwarded-Host: gw\.test/i,
  /^Forwarded: for=127\.0\.0\.1;host="gw\.test[.:0-9]*";proto=http$/i,
  /^Via: 1\.[01] audgate-[0-9a-f]{8}$/,
  /^X-Request-Id: [0-9a-f-]{36}$/,
  /^X-Auth-Subject: \S+$/,
]

const faultOf = (
  { fields, body, framing, line }: AcceptedCase,
  path: string,
  authorization: string,
  seen: WireRequest,
): string | undefined => {
  const all = seen.fields
    .map(([name, value]) => `${name}: ${value}`)
    .filter((field) => !/^trace(?:parent|state): /.test(field))
  for (const pattern of own) {
    const count = all.filter((field) => pattern.test(field)).length
    if (count !== 1) return `${pattern} ${count} times in ${JSON.stringify(all)}`
  }
  const rest = all.filter((field) => !own.some((pattern) => pattern.test(field))).join('\r\n')
  const expected = framing.split('|').map((last) => {
    const frame = last.replace('{length}', String(body.length))
    return [authorization, ...fields, ...(frame === '' ? [] : [frame])].join('\r\n')
  })
  if (seen.line !== line.replace('{path}', path)) return `the line ${seen.line}`
  if (!expected.includes(rest))
    return `the fields ${JSON.stringify(rest.slice(authorization.length, authorization.length + 200))}`
  if (seen.body !== body || seen.trailers.length > 0) return `the content ${JSON.stringify([seen.body, seen.trailers])}`
  return undefined
}

const faultsOf = async (stage: SpiedStage, send: (bytes: Buffer) => Promise<RawAnswer>): Promise<readonly string[]> => {
  const faults: string[] = []
  const run = async (one: AcceptedCase, index: number): Promise<void> => {
    const path = `/case-${index}-`
    const first = one.bytes.replace('{path}', path).replace('{auth}', stage.authorization)
    const second = `GET /orders/second-${index}- HTTP/1.1\r\nHost: gw.test\r\n${stage.authorization}\r\nConnection: close\r\n\r\n`
    const { text, closed } = await send(Buffer.from(first + second, 'latin1'))
    const fail = (what: string): unknown => faults.push(`${one.name}: ${what}: ${JSON.stringify(text.slice(0, 150))}`)
    const requests = stage.spy.requests.filter(({ line }) => line.includes(`case-${index}-`))
    const [seen] = requests
    if (!seen || requests.length > 1) return void fail(`${requests.length} upstream`)
    const fault = faultOf(one, path, stage.authorization, seen)
    if (fault !== undefined) fail(fault)
    const behind = stage.spy.requests.filter(({ line }) => line.includes(`second-${index}-`)).length
    const answers = [...text.matchAll(/HTTP\/1\.1 200 /g)].length
    if (!closed || answers !== (one.ends ? 1 : 2) || behind !== answers - 1)
      fail(`${answers} answers, ${behind} behind`)
  }
  for (let i = 0; i < acceptedRequests.length; i += 32) {
    await Promise.all(acceptedRequests.slice(i, i + 32).map((one, offset) => run(one, i + offset)))
  }
  return faults
}

test('H1-1, H1-2, H1-8, H1-11, H1-16 … H1-18, H1-22, H1-23, H1-27, H1-29, H1-30, HS-13 … HS-15, HS-18, HS-26, HS-28: what is accepted is one request upstream, with these octets and no others', async (t) => {
  assert.ok(acceptedRequests.length >= 80, `${acceptedRequests.length} accepted requests`)
  const stage = await start(t)
  assert.deepEqual(await faultsOf(stage, (bytes) => sendRaw(stage.port, bytes, { quietMs: 4000 })), [])
  assert.doesNotMatch(stage.spy.bytes(), /evil/)
})

test('2.4 row 7: the same, octet by octet', async (t) => {
  const stage = await start(t)
  assert.deepEqual(await faultsOf(stage, (bytes) => sendInPieces(stage.port, bytes, stage.authorization)), [])
})
