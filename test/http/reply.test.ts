import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerRefusal } from '../../src/decision/challenge.ts'
import { rawAnswer, refusalAnswer } from '../../src/http/reply.ts'

const nowhere = { resource: undefined, route: undefined, scheme: undefined }
const policy = { exposeReason: true, proofAlgorithms: 'ES256' }

test('CA-1, ER-6: a refusal is problem details that no cache keeps', () => {
  const answer = refusalAnswer(answerRefusal({ reason: 'token_missing', fault: 'x' }, nowhere, 'id-1', policy))
  assert.equal(answer.status, 401)
  assert.equal(answer.contentType, 'application/problem+json')
  assert.equal(answer.cacheControl, 'no-store')
  assert.deepEqual(answer.headers, ['WWW-Authenticate', 'Bearer realm="audgate"'])
  assert.deepEqual(JSON.parse(answer.body), {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    detail: 'An access token is needed.',
    reason: 'token_missing',
    instance: 'id-1',
  })
})

test('H1-25: for a message that never became a request it is a whole HTTP/1.1 answer that ends the connection', () => {
  const answer = refusalAnswer(answerRefusal({ reason: 'request_timeout' }, nowhere, 'id-1', policy))
  const text = rawAnswer(answer, ['X-Request-Id', 'id-1']).toString()
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const [line, ...fields] = head.split('\r\n')
  assert.equal(line, 'HTTP/1.1 408 Request Timeout')
  assert.equal(body, answer.body)
  assert.ok(fields.includes(`Content-Length: ${Buffer.byteLength(body)}`))
  assert.ok(fields.includes('Connection: close'))
  assert.ok(fields.includes('Cache-Control: no-store'))
  assert.ok(fields.includes('X-Request-Id: id-1'))
  assert.match(fields.find((field) => field.startsWith('Date: ')) ?? '', /^Date: \w{3}, \d{2} \w{3} \d{4} .* GMT$/)
})
