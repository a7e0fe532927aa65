import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Fault, playFault } from '../support/fault-case.ts'
import { answerFaults, streamFaults } from '../support/faults-of-answers.ts'
import { connectionFaults, idleFaults } from '../support/faults-of-connections.ts'
import { handshakeFaults } from '../support/faults-of-handshakes.ts'
import { requestFaults } from '../support/faults-of-requests.ts'
import { tlsFaults } from '../support/faults-of-tls.ts'

const play = (fault: Fault): void => {
  test(fault.name, async (t) => {
    const [got, expected] = await playFault(t, fault)
    assert.deepEqual(got, expected)
  })
}

for (const [title, faults] of [
  ['ER-1, HS-16: there is no connection, or none that lasts', connectionFaults],
  ['HS-16, H1-19: a request is taken, or half of it, and not answered', requestFaults],
  ['ER-1, HS-12: what comes is no answer, or comes too late', answerFaults],
  ['H1-20, H1-21: an answer that has begun', streamFaults],
  ['H1-20, RFC 9112 9.3.1: a connection that waits for the next request', idleFaults],
  ['WS-6, WS-10, WS-11: a WebSocket', handshakeFaults],
] as const) {
  describe(`one answer, one reason, one count, and the next request works: ${title}`, { concurrency: 6 }, () => {
    for (const fault of faults) play(fault)
  })
}

test('FW-11: one answer, one reason, one count, and the next request works: TLS', { concurrency: 6 }, async (t) => {
  await Promise.all(
    tlsFaults(t).map((fault) =>
      t.test(fault.name, async (inner) => {
        const [got, expected] = await playFault(inner, fault)
        assert.deepEqual(got, expected)
      }),
    ),
  )
})
