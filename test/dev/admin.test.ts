import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { mayCommand } from '../../src/dev/admin.ts'

const request = (remoteAddress: string, host: string, origin?: string): IncomingMessage =>
  // Only what the judgement may look at: a peer that is not on this machine cannot be had in a test.
  ({ socket: { remoteAddress }, headers: { host, ...(origin === undefined ? {} : { origin }) } }) as IncomingMessage

for (const [peer, host] of [
  ['127.0.0.1', '127.0.0.1:4500'],
  ['127.0.0.1', 'localhost'],
  ['127.8.9.1', 'LOCALHOST:4500'],
  ['::1', '[::1]:4500'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
] as const) {
  test(`${peer} asking ${host} may command the development server`, () => {
    assert.equal(mayCommand(request(peer, host)), true)
  })
}

for (const [peer, host, origin] of [
  ['192.168.1.7', '127.0.0.1:4500', undefined],
  ['::ffff:10.0.0.1', '127.0.0.1:4500', undefined],
  ['', '127.0.0.1:4500', undefined],
  ['127.0.0.1', '', undefined],
  ['127.0.0.1', 'rebound.example.com:4500', undefined],
  ['127.0.0.1', 'localhost.example.com', undefined],
  ['127.0.0.1', '127.0.0.1.example.com', undefined],
  ['127.0.0.1', '127.0.0.1:4500', 'http://127.0.0.1:4500'],
  ['127.0.0.1', '127.0.0.1:4500', 'null'],
] as const) {
  test(`${peer || 'nobody'} asking ${host || 'no host'} with origin ${origin} may not`, () => {
    assert.equal(mayCommand(request(peer, host, origin)), false)
  })
}
