import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'
import { broken, misbehaviourOf, type ParserCase, receiveCase, sendCase, startAny } from '../support/llhttp-cases.ts'
import { expectedOfRequests, expectedOfResponses } from '../support/llhttp-expectations.ts'
import { startMisbehaving } from '../support/misbehaving.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined && 'AUDGATE_VECTORS is not set: the public test vectors are not on this machine'
const load = <T>(name: string): T => JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')) as T

/** Runs all of them, a few at a time, and gives back what came of each, in order. */
const inBatches = async <T, R>(all: readonly T[], size: number, run: (one: T, index: number) => Promise<R>) => {
  const results: R[] = []
  for (let i = 0; i < all.length; i += size) {
    results.push(...(await Promise.all(all.slice(i, i + size).map((one, offset) => run(one, i + offset)))))
  }
  return results
}

interface Mutation {
  readonly name: string
  readonly line_b64: string
}

/**
 * What must come of a line beside a `Content-Length`, by the grammar alone (RFC 9110 section 5, RFC 9112 section 5): 200
 * where it is one good line, or two, of other fields; else 400.
 */
const statusOf = (line: string): number => {
  const lines = line.split('\r\n').filter((one, index, all) => one !== '' || index < all.length - 1)
  const good = lines.every((one) => {
    const [, name = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t\x20-\x7e\x80-\xff]*$/.exec(one) ?? []
    return name !== '' && name.toLowerCase() !== 'transfer-encoding'
  })
  return good ? 200 : 400
}

test('H1-7, H1-8: every mutation of Transfer-Encoding, as CL.TE and as TE.CL, is one request or none', {
  skip,
}, async (t) => {
  const attack = await startAttack(t, { entry: { resource: 'https://gw.test/ok', routes: { '/**': 'read' } } })
  const authorization = `Authorization: Bearer ${attack.token({ aud: 'https://gw.test/ok' })}`
  assert.equal((await attack.send('POST /ok', [authorization])).status, 200)
  const { lines } = load<{ lines: readonly Mutation[] }>('te-mutations.json')
  assert.equal(new Set(lines.map(({ line_b64 }) => line_b64)).size, 739)
  const hidden = 'GET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n'
  const forms = [
    ['Content-Length: 46', `0\r\n\r\n${hidden}`],
    ['Content-Length: 4', `2b\r\n${hidden}xx\r\n0\r\n\r\n`],
  ] as const
  const faults: string[] = []
  const run = async ({ line, form }: { line: Mutation; form: (typeof forms)[number] }, index: number) => {
    const [length, content] = form
    const head = `POST /ok/${index}- HTTP/1.1\r\nHost: gw.test\r\n${authorization}\r\n${length}\r\n`
    const mutation = Buffer.from(line.line_b64, 'base64')
    const bytes = Buffer.concat([Buffer.from(head), mutation, Buffer.from(`\r\n\r\n${content}`)])
    // A refusal ends the connection, and an answer is followed by that to what stands behind the content: 4 octets of it.
    const { status, closed } = await sendRaw(attack.port, bytes, { quietMs: 400 })
    const seen = attack.spy.requests.filter((request) => request.line.includes(`/${index}- `)).length
    const expected = statusOf(mutation.toString('latin1'))
    if (status !== expected || seen !== (expected === 200 ? 1 : 0) || (expected !== 200 && !closed)) {
      faults.push(`${line.name}, ${length}: ${status} instead of ${expected}, ${seen} upstream, closed: ${closed}`)
    }
  }
  await inBatches(
    lines.flatMap((line) => forms.map((form) => ({ line, form }))),
    64,
    run,
  )
  assert.deepEqual(faults, [])
  for (const { line, fields } of attack.spy.requests) {
    assert.doesNotMatch(line, /smuggled/)
    for (const [name] of fields) assert.doesNotMatch(name, /transfer/i)
  }
})

const parserCases = (type: 'request' | 'response'): readonly ParserCase[] =>
  load<{ cases: readonly ParserCase[] }>('llhttp-cases.json').cases.filter((one) => one.type.startsWith(type))

const told = (cases: readonly ParserCase[], outcomes: readonly string[]): readonly (readonly [string, string])[] =>
  cases.map(({ name }, index) => [name, outcomes[index] ?? ''])

test('llhttp’s requests: each is answered as it must be, and none that its parser refuses is forwarded', {
  skip,
}, async (t) => {
  const cases = parserCases('request')
  const stage = await startAny(t)
  const outcomes = await inBatches(cases, 32, (one, index) =>
    sendCase(stage, one, `${index}-`, expectedOfRequests[index]?.[1] ?? ''),
  )
  assert.deepEqual(told(cases, outcomes), expectedOfRequests)
  assert.equal(cases.length, 162)
  for (const [index, { name, type, messages_complete, error }] of cases.entries()) {
    const outcome = outcomes[index] ?? ''
    if (broken.has(name)) continue
    const forwarded = outcome.split(' ').filter((word) => word === 'upstream').length
    assert.ok(forwarded <= messages_complete, `${name}: ${outcome}`)
    if (type === 'request' && error && ![21, 22, 23].includes(error.code)) assert.match(outcome, / end$/, name)
  }
})

test('llhttp’s responses: each is relayed in our own form, refused, or visibly cut', { skip }, async (t) => {
  const cases = parserCases('response')
  const port = await startMisbehaving(t, cases.map(misbehaviourOf))
  const outcomes = await inBatches(cases, 32, (_, index) => receiveCase(port, index))
  assert.deepEqual(told(cases, outcomes), expectedOfResponses)
  assert.equal(cases.length, 84)
  const { status } = await sendRaw(port, requestBytes(['GET /0/next HTTP/1.1', 'Host: a']), { until: wholeAnswer })
  assert.equal(status, 200)
})
