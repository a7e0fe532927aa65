import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLog, type Log } from '../../src/observe/log.ts'
import type { LogOptions } from '../../src/observe/options.ts'
import type { RequestRecord } from '../../src/observe/record.ts'
import { record } from '../support/records.ts'
import { refusals } from '../support/refusals.ts'

const NOW = Date.parse('2026-01-02T03:04:05.007Z')

/** What a log wrote into a file, by line. */
const written = async (
  t: TestContext,
  use: (log: Log) => void,
  options: Partial<LogOptions> = {},
  nearMiss: (told: RequestRecord) => string | undefined = () => undefined,
): Promise<readonly string[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'audgate-log-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const target = join(directory, 'log')
  const log = createLog({ level: 'info', format: 'json', ...options }, { target, nearMiss, now: () => NOW })
  use(log)
  await log.close()
  const text = readFileSync(target, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'))
  return text.split('\n').slice(0, -1)
}
const parse = (line: string | undefined) => JSON.parse(line ?? '') as Record<string, unknown>

test('Contract section 8: one line per request, with the time as RFC 3339 and the level as a word', async (t) => {
  const lines = await written(t, (log) => {
    log.request(record())
    log.request(record({ refusal: refusals.keys_unavailable, decision: 'deny', status: 503 }))
  })
  assert.equal(lines.length, 2)
  const told = parse(lines[0])
  assert.equal(told.time, '2026-01-02T03:04:05.007Z')
  assert.equal(told.level, 'info')
  assert.equal(told.msg, 'request')
  assert.equal(parse(lines[1]).level, 'warn')
})

test('The near miss of a refusal is part of its detail, and is not asked for on an allowed request', async (t) => {
  const asked: (string | undefined)[] = []
  const lines = await written(
    t,
    (log) => {
      log.request(record())
      log.request(record({ refusal: refusals.audience_mismatch }))
    },
    {},
    ({ refusal }) => {
      asked.push(refusal?.reason)
      return 'differs only in the scheme'
    },
  )
  assert.deepEqual(asked, ['audience_mismatch'])
  assert.match(String(parse(lines[1]).detail), /\(differs only in the scheme\)$/)
})

test('A request below the level is not logged', async (t) => {
  const lines = await written(
    t,
    (log) => {
      log.request(record())
      log.request(record({ refusal: refusals.token_expired }))
      log.request(record({ refusal: refusals.upstream_timeout }))
      log.request(record({ refusal: refusals.internal }))
    },
    { level: 'warn' },
  )
  assert.deepEqual(
    lines.map((line) => parse(line).reason),
    ['upstream_timeout', 'internal'],
  )
})

test('Other lines come from pino in the same shape, and in the order of the calls', async (t) => {
  const lines = await written(t, (log) => {
    log.logger.info({ port: 8080 }, 'listening')
    log.request(record())
    log.logger.error({ err: new Error('boom') }, 'internal error')
    log.logger.debug('not at this level')
  })
  assert.deepEqual(
    lines.map((line) => parse(line).msg),
    ['listening', 'request', 'internal error'],
  )
  const first = parse(lines[0])
  assert.deepEqual(first, { level: 'info', time: '2026-01-02T03:04:05.007Z', port: 8080, msg: 'listening' })
  assert.match(lines[2] ?? '', /"message":"boom"/)
})

test('Attack 2.7 row 1: other lines cannot be broken either', async (t) => {
  const lines = await written(t, (log) => log.logger.warn({ kid: 'a\r\n\u2028\u0085\u001b[31m\ud800' }, 'key dropped'))
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^[\x20-\x7e]+$/)
  assert.equal(parse(lines[0]).kid, 'a\r\n\u2028\u0085\u001b[31m\ufffd')
})

test('BR-26: a token that slips into another line is left out', async (t) => {
  const lines = await written(
    t,
    (log) => log.logger.debug({ got: 'Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl' }, 'seen'),
    { level: 'trace' },
  )
  assert.equal(parse(lines[0]).got, 'Bearer [token]')
})

test('A hundred thousand lines arrive whole and in order', async (t) => {
  const lines = await written(t, (log) => {
    for (let at = 0; at < 30_000; at++) log.request(record({ requestId: String(at) }))
  })
  assert.equal(lines.length, 30_000)
  assert.ok(lines.every((line, at) => line.includes(`"request_id":"${at}"`)))
})

test('Pretty lines are one line each, for a person, and safe for a terminal', async (t) => {
  const lines = await written(
    t,
    (log) => {
      log.request(record())
      log.request(record({ refusal: refusals.audience_mismatch, status: 401, path: '/\u001b[2J\n' }))
      log.logger.warn({ issuer: 'main', note: 'a\u202eb' }, 'keys missing')
    },
    { format: 'pretty' },
  )
  assert.equal(lines.length, 3)
  assert.match(
    lines[0] ?? '',
    /^03:04:05\.007 INFO {2}GET api\.example\.com\/orders\/42 200 allow 12\.5ms orders "GET \/\{id\}"/,
  )
  assert.match(lines[1] ?? '', /401 audience_mismatch .* detail="audience: expected/)
  assert.equal(lines[2], '03:04:05.007 WARN  keys missing issuer="main" note="a\\\\u202eb"')
  for (const line of lines) assert.match(line, /^[\x20-\x7e]+$/)
})

test('A line that is logged after the end is no error', async (t) => {
  const lines = await written(t, (log) => {
    t.after(() => log.logger.info('late'))
  })
  assert.deepEqual(lines, [])
})
