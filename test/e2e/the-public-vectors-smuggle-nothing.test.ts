import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined && 'AUDGATE_VECTORS is not set: the public test vectors are not on this machine'
const load = <T>(name: string): T => JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')) as T

interface ParserCase {
  readonly name: string
  readonly type: string
  readonly raw_b64: string
  readonly messages_complete: number
  readonly error: { readonly code: number } | null
}

/** Pauses of the parser, not syntax errors. */
const pauses: ReadonlySet<number> = new Set([21, 22, 23])
/** These carry a piece of the surrounding prose in their bytes. */
const broken: ReadonlySet<string> = new Set([
  '`keep-alive` / CRLF between requests, implicit `keep-alive`',
  '`close` / CRLF between requests, explicit `close`',
  'Google 301 response',
])

const inBatches = async <T>(all: readonly T[], size: number, run: (one: T, index: number) => Promise<void>) => {
  for (let i = 0; i < all.length; i += size) {
    await Promise.all(all.slice(i, i + size).map((one, offset) => run(one, i + offset)))
  }
}

test('H1-7, H1-8: every mutation of Transfer-Encoding, as CL.TE and as TE.CL, is one request or none', {
  skip,
}, async (t) => {
  const attack = await startAttack(t, { entry: { resource: 'https://gw.test/ok', routes: { '/**': 'read' } } })
  const authorization = `Authorization: Bearer ${attack.token({ aud: 'https://gw.test/ok' })}`
  assert.equal((await attack.send('POST /ok', [authorization])).status, 200)
  const { lines } = load<{ lines: readonly { readonly name: string; readonly line_b64: string }[] }>(
    'te-mutations.json',
  )
  assert.ok(lines.length > 700)
  const hidden = 'GET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n'
  const forms = [
    ['Content-Length: 46', `0\r\n\r\n${hidden}`],
    ['Content-Length: 4', `2b\r\n${hidden}xx\r\n0\r\n\r\n`],
  ] as const
  const statuses = new Map<number, number>()
  await inBatches(
    lines.flatMap((line) => forms.map((form) => ({ line, form }))),
    64,
    async ({ line, form }, index) => {
      const [length, content] = form
      const head = `POST /ok/${index}- HTTP/1.1\r\nHost: gw.test\r\n${authorization}\r\n${length}\r\n`
      const mutation = Buffer.from(line.line_b64, 'base64')
      const bytes = Buffer.concat([Buffer.from(head), mutation, Buffer.from(`\r\n\r\n${content}`)])
      const { status } = await sendRaw(attack.port, bytes, { quietMs: 400 })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      const seen = attack.spy.requests.filter((request) => request.line.includes(`/${index}- `)).length
      assert.ok(seen === (status === 200 ? 1 : 0), `${line.name}: ${status}, ${seen} upstream`)
      assert.ok([200, 400, 431, 501].includes(status), `${line.name}: ${status}`)
    },
  )
  for (const { line, fields } of attack.spy.requests) {
    assert.doesNotMatch(line, /smuggled/)
    for (const [name] of fields) assert.doesNotMatch(name, /transfer/i)
  }
  assert.ok((statuses.get(200) ?? 0) < 30, JSON.stringify([...statuses]))
})

test('llhttp’s requests: no more arrive than are whole, and after a syntax error the connection ends', {
  skip,
}, async (t) => {
  const attack = await startAttack(t, { entry: { routes: { '/**': 'read' } } })
  const cases = load<{ cases: readonly ParserCase[] }>('llhttp-cases.json').cases.filter(
    ({ type, name }) => type.startsWith('request') && !broken.has(name),
  )
  assert.ok(cases.length > 150)
  const faults: string[] = []
  await inBatches(cases, 32, async ({ name, type, raw_b64, messages_complete, error }, index) => {
    const raw = Buffer.from(raw_b64, 'base64').toString('latin1')
    const line = /^(\s*\S+ \S+ HTTP\/1\.[01]\r\n)/.exec(raw)?.[1] ?? ''
    const added = [
      ...(/\nhost:/i.test(raw) ? [] : ['Host: gw.test\r\n']),
      `X-Case: ${index}-\r\nAuthorization: Bearer ${attack.token()}\r\n`,
    ].join('')
    const bytes = line === '' ? raw : line + added + raw.slice(line.length)
    const { text, closed } = await sendRaw(attack.port, Buffer.from(bytes, 'latin1'), { quietMs: 400 })
    const answers = text.split('HTTP/1.1 ').length - 1
    const seen = attack.spy.requests.filter(({ values }) => values('x-case').join() === `${index}-`).length
    if (seen > Math.max(messages_complete, type === 'request' ? 0 : 1)) faults.push(`${name}: ${seen} upstream`)
    if (/HTTP\/1\.1 500/.test(text)) faults.push(`${name}: 500`)
    if (type === 'request' && error && !pauses.has(error.code)) {
      if (!closed) faults.push(`${name}: left open after ${answers} answers: ${text.slice(0, 40)}`)
    }
  })
  assert.deepEqual(faults, [])
  assert.equal((await attack.send('GET /public/a')).status, 200)
})

test('llhttp’s responses: a well-formed answer is relayed, or none', { skip }, async (t) => {
  const cases = load<{ cases: readonly ParserCase[] }>('llhttp-cases.json').cases.filter(
    ({ type, name }) => type.startsWith('response') && !broken.has(name),
  )
  assert.ok(cases.length > 70)
  const attack = await startAttack(t, {
    entry: { timeouts: { response: '100ms', idle: '100ms' } },
    answer: ({ line }, socket) => {
      const index = /\/case-(\d+) /.exec(line)?.[1]
      if (index === undefined) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      socket.write(Buffer.from(cases[Number(index)]?.raw_b64 ?? '', 'base64'))
      return undefined
    },
  })
  const wellFormed =
    /^HTTP\/1\.1 [2-5]\d\d [\t\x20-\x7e\x80-\xff]*\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n/
  const faults: string[] = []
  await inBatches(cases, 100, async ({ name }, index) => {
    const head = [`GET /public/case-${index} HTTP/1.1`, 'Host: gw.test', `Authorization: Bearer ${attack.token()}`]
    const { text, closed } = await sendRaw(attack.port, requestBytes(head), { until: wholeAnswer, quietMs: 3000 })
    if (!wellFormed.test(text) && !(text === '' && closed))
      faults.push(`${name}: ${JSON.stringify(text.slice(0, 300))}`)
    if (/^HTTP\/1\.1 500/.test(text) && /"reason":"internal"/.test(text)) faults.push(`${name}: 500`)
  })
  assert.deepEqual(faults, [])
  assert.equal((await attack.send('GET /public/a')).status, 200)
})
