import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Pool } from 'undici'
import { startAudgate } from '../support/audgate-process.ts'
import { secretVolume } from '../support/certificate-files.ts'
import { eventually } from '../support/eventually.ts'
import { type Holdings, holdingsOf, probed } from '../support/holdings.ts'
import { issuerYaml, liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { createKey } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'

const STOCK = 'https://api.test/stock'
const other = createKey('ES256', 'other')
const jwks = (...keys: readonly object[]): string => JSON.stringify({ keys })

/** Loads both APIs over connections that are kept, and counts what comes back by status or fault. */
const startLoad = (t: TestContext, port: number) => {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 8 })
  const counts: Record<string, number> = {}
  let running = true
  const ask = async (path: string, aud: string): Promise<void> => {
    const authorization = `Bearer ${liveToken({ aud, jti: path })}`
    while (running) {
      const told = await pool
        .request({ method: 'GET', path, headers: { authorization } })
        .then(async ({ statusCode, body }) => {
          await body.dump()
          return String(statusCode)
        })
        .catch((error: Error) => error.message)
      counts[told] = (counts[told] ?? 0) + 1
    }
  }
  const loops = Array.from({ length: 8 }, (_, index) =>
    index % 2 === 0 ? ask(`/orders/${index}`, ORDERS) : ask(`/stock/${index}`, STOCK),
  )
  const stop = async () => {
    running = false
    await Promise.all(loops)
    await pool.destroy()
    return counts
  }
  t.after(stop)
  return { stop }
}

const start = async (t: TestContext) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'))
  /** Every valid generation is another config: the pool of `stock`, an issuer, an API and a key file come and go. */
  const files = (generation: number, broken = false): Record<string, string> => {
    const odd = generation % 2 === 1
    const main = issuerYaml(liveKey.jwk).trimEnd().replace(/ \}$/, '')
    const second = odd ? ', second: { issuer: https://second.test, keys: { jwks_file: keys.json } }' : ''
    const entries = {
      [upstream.url]: [
        { resource: ORDERS, at: '/orders', name: 'orders', issuers: ['main'] },
        {
          resource: STOCK,
          at: '/stock',
          name: 'stock',
          issuers: ['main'],
          timeouts: { response: `${30 + generation}s` },
        },
        ...(odd ? [{ resource: 'https://api.test/more', at: '/more', name: 'more', issuers: ['second'] }] : []),
      ],
    }
    const text =
      `listen: 127.0.0.1:0\nadmin: false\nlog: { level: info }\n${main}${second} }\n` +
      `upstreams: ${JSON.stringify(entries)}\nunused${generation % 3}: 1\n`
    const keys = generation % 4 === 1 ? jwks(liveKey.jwk) : jwks(liveKey.jwk, other.jwk)
    return { 'audgate.yaml': broken ? text : text.replace(/^unused.*\n/m, ''), 'keys.json': keys }
  }
  const { path, swap } = secretVolume(t, files(0))
  const audgate = startAudgate(t, ['serve', '--config', path('audgate.yaml')], probed)
  const listening = audgate.said(/"address":"127\.0\.0\.1:(\d+)"/)
  // Counted as they come: most lines are of requests.
  const counts = new Map<string, number>()
  let rest = ''
  audgate.child.stdout.on('data', (chunk: string) => {
    const whole = (rest + chunk).split('\n')
    rest = whole.pop() ?? ''
    for (const line of whole) {
      const word = /"msg":"([^"]*)"/.exec(line)?.[1] ?? ''
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  })
  const lines = (word: string): number => counts.get(word) ?? 0
  const [, port] = await listening
  return { audgate, port: Number(port), files, swap, lines }
}

test('operations 4.5, OP-2: 50 swaps of a ConfigMap under load fail no request, leak no handle and keep memory flat', async (t) => {
  const { audgate, port, files, swap, lines } = await start(t)
  const load = startLoad(t, port)
  const seen: Holdings[] = []
  let [generation, reloads, refusals, signals] = [0, 0, 0, 0]
  for (let round = 1; round <= 50; round++) {
    const kind = round % 5 === 2 ? 'broken' : round % 5 === 4 ? 'unchanged' : 'valid'
    if (kind === 'valid') generation++
    swap(files(generation, kind === 'broken'))
    // The events of the directory alone bring every other one about; no event tells of what is unchanged.
    if (round % 2 === 0 || kind === 'unchanged') {
      audgate.child.kill('SIGHUP')
      signals++
      await eventually('SIGHUP is served', () => lines('keys loaded again') >= signals, 20_000)
    }
    if (kind === 'valid') reloads++
    if (kind === 'broken') refusals++
    await eventually(
      `round ${round} (${kind})`,
      () => lines('config reloaded') === reloads && lines('config not reloaded: the one before goes on') >= refusals,
      20_000,
    )
    // The first rounds compile, and fill caches.
    if (round % 10 === 0) seen.push(await holdingsOf(audgate))
  }
  const counts = await load.stop()
  const { 200: good = 0, ...failed } = counts
  assert.deepEqual(failed, {})
  assert.ok(good > 500, `${good} requests`)

  // What waits for its end, as connections of the pools that were replaced do, has it now.
  const [first] = seen
  let last: Holdings | undefined
  await eventually(
    'the handles are those of one generation',
    async () => {
      last = await holdingsOf(audgate)
      return (last.holds.tcp ?? 0) <= 1 && last.descriptors <= (first?.descriptors ?? 0)
    },
    20_000,
  )
  t.diagnostic(JSON.stringify({ good, seen, last }))
  assert.equal(last?.holds.fs_event, first?.holds.fs_event)
  assert.ok((last?.timers ?? 0) <= (first?.timers ?? 0))
  assert.ok((last?.heap ?? 0) < (first?.heap ?? 0) * 1.15, JSON.stringify(seen))
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 0)
  assert.equal(lines('internal'), 0)
})
