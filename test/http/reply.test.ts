import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { answerRefusal } from '../../src/decision/challenge.ts'
import { dropRest, rawAnswer, refusalAnswer } from '../../src/http/reply.ts'
import { converse } from '../support/conversation.ts'

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

const serve = async (
  t: TestContext,
  take: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<number> => {
  const server = createServer(take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('H1-19: content that nobody wants is read up to a size, and waited for up to a time, then given up', async (t) => {
  const over = new Map<string, boolean>()
  const read = new Map<string, number>()
  const port = await serve(t, (request, response) => {
    const name = request.url ?? ''
    request.on('data', (chunk: Buffer) => read.set(name, (read.get(name) ?? 0) + chunk.length))
    // As whoever read it before may have left it.
    request.pause()
    dropRest(request, (complete) => {
      over.set(name, complete)
      response.end('over')
    })
  })
  const send = async (name: string, length: number, sent: number): Promise<number> => {
    const client = await converse(t, port)
    const began = performance.now()
    client.say(`PUT ${name} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`)
    client.say(Buffer.alloc(sent))
    await client.hear('the answer', (text) => text.endsWith('over'))
    return performance.now() - began
  }
  const [whole, stalled, long] = await Promise.all([
    send('/whole', 100_000, 100_000),
    send('/stalled', 100_000, 1),
    send('/long', 20_000_000, 20_000_000),
  ])
  assert.deepEqual([over.get('/whole'), over.get('/stalled'), over.get('/long')], [true, false, false])
  // A client that goes on sending has the whole time for the answer, not as long as it takes to send too much.
  assert.ok(whole < 1000 && stalled > 1900 && long > 1900, `${whole}, ${stalled}, ${long}`)
  assert.ok((read.get('/long') ?? 0) < 1_000_000, `${read.get('/long')}`)
})
