import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const octets = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1')
const contentOf = (length: number): string => octets.repeat(Math.ceil(length / 256)).slice(0, length)

// Around the length up to which content leaves in one write with its head.
for (const length of [1, 256, 8191, 8192, 8193, 30_000]) {
  test(`HS-15: content of ${length} octets of every value is what the upstream sent, and the connection goes on`, async (t) => {
    const content = contentOf(length)
    const stage = await startSpied(t, {
      answer: () => Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${content}`, 'latin1'),
    })
    const request = requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]).toString('latin1')
    const { text } = await sendRaw(stage.port, request + request, {
      until: (sofar) => wholeAnswer(sofar) && wholeAnswer(afterFirst(sofar, length)),
    })
    assert.equal(text.slice(headEnd(text), headEnd(text) + length), content)
    const second = afterFirst(text, length)
    assert.match(second, /^HTTP\/1\.1 200 OK\r\n/)
    assert.equal(second.slice(headEnd(second)), content)
  })
}

const headEnd = (text: string): number => text.indexOf('\r\n\r\n') + 4
const afterFirst = (text: string, length: number): string => text.slice(headEnd(text) + length)
