import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Heard, hearOut, readAnswer } from '../support/hear-out.ts'
import { startMisbehaving } from '../support/misbehaving.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import type { RawResponse } from '../support/raw-response.ts'
import { rawResponses } from '../support/raw-responses.ts'

const faultOf = async (port: number, one: RawResponse, index: number): Promise<string | undefined> => {
  const first = [`${one.method} /${index}/once ${one.version}`, 'Host: a', 'Connection: close']
  const heard = await hearOut(port, requestBytes(first))
  // The next clients get their own answers: at once, and when what is late has come.
  for (const path of one.later === '' ? ['/next'] : ['/next', '/later']) {
    if (path === '/later') {
      const since = performance.now()
      await eventually('what is late has come', () => performance.now() - since > 150)
    }
    const lines = [`GET /${index}${path} HTTP/1.1`, 'Host: a']
    const { text } = await sendRaw(port, requestBytes(lines), { until: wholeAnswer, quietMs: 5000 })
    if (!text.startsWith('HTTP/1.1 200 OK\r\n') || !text.endsWith(`\r\n\r\n${path}`)) {
      return `then ${JSON.stringify(text.slice(0, 100))}`
    }
  }
  return judge(one, heard)
}

const judge = ({ outcome, method }: RawResponse, heard: Heard): string | undefined => {
  const { line, fields, body, whole } = readAnswer(heard, method === 'HEAD')
  const got = `${JSON.stringify({ line, fields, body, whole }).slice(0, 300)} and ${heard.end}`
  if (heard.end === 'open') return `the client waits after ${got}`
  if (outcome.kind === 'broken' && !line.startsWith('HTTP/1.1 502 ')) {
    if (!line.startsWith('HTTP/1.1 200 ') || !outcome.body.startsWith(body)) return got
    // To a client of HTTP/1.0 only a reset says that there should be more.
    return whole ? `looks whole: ${got}` : undefined
  }
  if (heard.text.includes('evil')) return got
  if (!whole) return `not whole: ${got}`
  if (outcome.kind === 'relayed') {
    const same =
      line === outcome.line && JSON.stringify(fields) === JSON.stringify(outcome.fields) && body === outcome.body
    return same ? undefined : got
  }
  const [status, reason] = outcome.kind === 'timeout' ? [504, 'upstream_timeout'] : [502, 'upstream_invalid']
  const refused = line.startsWith(`HTTP/1.1 ${status} `) && heard.text.includes(`"reason":"${reason}"`)
  return refused ? undefined : got
}

for (const [title, pick] of [
  [
    'ER-1, H1-7 … H1-9, H1-11 … H1-15, H1-24, HS-12, HS-15: what is no answer is 502, and nothing of it goes on',
    'invalid',
  ],
  ['H1-16, H1-18, H1-21, H1-22: an answer that breaks is never presented as whole', 'broken'],
  [
    'H1-16, H1-17, H1-20, H1-22, HS-1, HS-2, HS-9, HS-14, HS-15, HS-24: an answer is relayed as it is meant, and nothing behind it',
    'relayed',
  ],
  ['ER-1: no answer is 504', 'timeout'],
] as const) {
  test(`${title}; the next client gets its own answer on a pool of one connection (H1-20)`, async (t) => {
    const cases = rawResponses.filter(({ outcome }) => outcome.kind === pick)
    const port = await startMisbehaving(t, cases)
    const faults: string[] = []
    for (let i = 0; i < cases.length; i += 16) {
      const faultsHere = await Promise.all(cases.slice(i, i + 16).map((one, offset) => faultOf(port, one, i + offset)))
      for (const [offset, fault] of faultsHere.entries()) {
        if (fault !== undefined) faults.push(`${cases[i + offset]?.name}: ${fault}`)
      }
    }
    assert.deepEqual(faults, [])
  })
}

test('the table is as long as it says, and each name is there once', () => {
  const names = rawResponses.map(({ name }) => name)
  assert.ok(names.length >= 150, `${names.length} raw responses`)
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
})
