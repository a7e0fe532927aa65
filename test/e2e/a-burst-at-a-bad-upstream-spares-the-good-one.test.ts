import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { Reason } from '../../src/decision/refusal.ts'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { blocked, refusing } from '../support/faulty-connections.ts'
import {
  drop,
  evil,
  type FaultyReplica,
  faultPath,
  inOrder,
  overTcp,
  reset,
  secret,
  silence,
  type Visit,
  whenAsked,
} from '../support/faulty-upstream.ts'
import { freePort } from '../support/free-port.ts'
import { issuerYaml } from '../support/orders.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { handshakeLines, switchingHead } from '../support/websocket.ts'

interface Way {
  readonly name: string
  readonly start: (t: TestContext) => Promise<FaultyReplica>
  /** What every one gets, and counts as. */
  readonly status: number
  readonly reason: Reason | 'none'
  readonly handshake?: boolean
}

const half = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'
const soon = (visit: Visit): void => {
  setTimeout(() => reset(visit), 30)
}

/** What half of a burst meets. */
const ways: readonly Way[] = [
  { name: 'it refuses', start: refusing, status: 502, reason: 'upstream_unreachable' },
  { name: 'the connection hangs', start: blocked, status: 504, reason: 'upstream_timeout' },
  { name: 'it closes', start: whenAsked(drop), status: 502, reason: 'upstream_invalid' },
  { name: 'it resets', start: whenAsked(reset), status: 502, reason: 'upstream_invalid' },
  { name: 'it says nothing', start: whenAsked(silence), status: 504, reason: 'upstream_timeout' },
  {
    name: 'it never reads',
    start: overTcp({ connected: (socket) => Boolean(socket.pause()) }),
    status: 504,
    reason: 'upstream_timeout',
  },
  { name: 'half of an answer', start: whenAsked(({ say }) => say(half)), status: 200, reason: 'upstream_timeout' },
  {
    name: 'a reset in the middle of the answer',
    start: whenAsked((visit) => {
      visit.say(half)
      soon(visit)
    }),
    status: 200,
    reason: 'upstream_invalid',
  },
  { name: 'junk', start: whenAsked(({ say }) => say(secret.repeat(1000))), status: 502, reason: 'upstream_invalid' },
  {
    name: 'a head of 200 kB',
    start: whenAsked(({ say }) => say(`HTTP/1.1 200 OK\r\n${`X: ${'a'.repeat(100)}\r\n`.repeat(2000)}\r\n`)),
    status: 502,
    reason: 'upstream_invalid',
  },
  {
    name: 'two answers',
    start: whenAsked(({ answer, say }) => {
      answer()
      say(evil)
    }),
    status: 200,
    reason: 'none',
  },
  {
    name: 'silence to a handshake',
    start: whenAsked(silence),
    status: 504,
    reason: 'upstream_timeout',
    handshake: true,
  },
  {
    name: 'a tunnel that is reset',
    start: whenAsked((visit) => {
      visit.say(switchingHead())
      soon(visit)
    }),
    status: 101,
    reason: 'none',
    handshake: true,
  },
]

/** Of one process on Linux. */
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

const p99 = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN

/** Far more than it takes, and far less than the bad ones are waited for together. */
const goodWithinMs = 3000

const startStage = async (t: TestContext) => {
  const good = await inOrder(t)
  const bad = await Promise.all(ways.map(({ start }) => start(t)))
  const routes = { '/**': 'public' }
  const timeouts = { connect: '1s', response: '1s', idle: '1s' }
  const entries = [
    [good.url, { resource: 'https://api.test/good', at: '/good', routes }],
    ...bad.map(({ url }, i) => [
      url,
      { resource: `https://api.test/${i}`, at: `/${i}`, name: `${i}`, routes, timeouts },
    ]),
  ]
  const admin = await freePort()
  const yaml = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:${admin}\n${issuerYaml()}upstreams: ${JSON.stringify(Object.fromEntries(entries))}\n`
  const audgate = startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml)])
  const [, port = ''] = await audgate.said(/"address":"127\.0\.0\.1:(\d+)"/)
  const ask = (target: string, handshake = false) =>
    sendRaw(
      Number(port),
      requestBytes(handshake ? handshakeLines(target) : [`GET ${target} HTTP/1.1`, 'Host: a', 'Connection: close']),
      { quietMs: 20_000 },
    )
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  return { audgate, ask, metrics, pid: audgate.child.pid ?? 0 }
}

test('200 requests at once, half of them at an upstream that misbehaves: the others are served in time, and nothing is left behind', async (t) => {
  const { audgate, ask, metrics, pid } = await startStage(t)
  const good = async (n: number): Promise<number> => {
    const since = performance.now()
    const { text } = await ask(`/good/${n}`)
    assert.match(text, new RegExp(`^HTTP/1\\.1 200 OK\\r\\n[\\s\\S]*\\r\\n\\r\\n/${n}$`))
    return performance.now() - since
  }
  const hundred = Array.from({ length: 100 }, (_, n) => n)
  // Those that wait for another request end after a while.
  await Promise.all(hundred.slice(0, 10).map(good))
  await metrics()
  const before = descriptors(pid)

  const faults: string[] = []
  const slowest: number[] = []
  for (const [i, { name, status, handshake }] of ways.entries()) {
    const times: Promise<number>[] = []
    const statuses: Promise<number>[] = []
    for (const n of hundred) {
      times.push(good(n))
      statuses.push(
        ask(`/${i}${faultPath}`, handshake).then((answer) => {
          if (answer.text.includes(secret)) faults.push(`${name}: ${answer.text.slice(0, 300)}`)
          return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.text)?.[1])
        }),
      )
    }
    const [took, got] = await Promise.all([Promise.all(times), Promise.all(statuses)])
    slowest.push(p99(took))
    if (p99(took) > goodWithinMs) faults.push(`${name}: the good ones took ${p99(took)} ms`)
    if (got.some((one) => one !== status)) faults.push(`${name}: ${[...new Set(got)]}`)
  }
  assert.deepEqual(faults, [])

  await eventually('nothing is open', async () => {
    const text = await metrics()
    return /^audgate_open_requests 0$/m.test(text) && /^audgate_open_tunnels 0$/m.test(text)
  })
  const text = await metrics()
  const errors = [...text.matchAll(/^audgate_upstream_errors_total\{resource="(\d+)",reason="(\w+)"\} (\d+)$/gm)]
  assert.deepEqual(
    errors.map(([, resource, reason, count]) => `${resource} ${reason} ${count}`).sort(),
    ways.flatMap(({ reason }, i) => (reason === 'none' ? [] : [`${i} ${reason} 100`])).sort(),
  )
  assert.doesNotMatch(audgate.stdout(), /"level":"(?:error|fatal)"/)
  assert.equal(audgate.stderr(), '')
  await eventually(`no more than ${before} descriptors`, () => descriptors(pid) <= before, 20_000)
  t.diagnostic(
    `p99 of the good ones in ms: ${slowest.map(Math.round)}; descriptors ${before}, then ${descriptors(pid)}`,
  )
})
