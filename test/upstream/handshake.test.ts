import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerFault, type Handshake, readHandshake } from '../../src/upstream/handshake.ts'
import { acceptOf, sampleKey } from '../support/websocket.ts'

type Lines = readonly (readonly [name: string, value: string])[]

const key = ['Sec-WebSocket-Key', sampleKey] as const
const version = ['Sec-WebSocket-Version', '13'] as const
const reasonOf = (lines: Lines, origins?: readonly string[]): string => {
  const read = readHandshake(lines.flat(), origins)
  return 'reason' in read ? read.reason : 'good'
}

test('WS-4: exactly one key of sixteen octets and exactly one version', () => {
  const cases: readonly (readonly [what: string, Lines, string])[] = [
    ['as it should be', [key, version], 'good'],
    [
      'other spellings of the names',
      [
        ['sec-websocket-KEY', sampleKey],
        ['SEC-WEBSOCKET-VERSION', '13'],
      ],
      'good',
    ],
    ['no key', [version], 'request_malformed'],
    ['an empty key', [['Sec-WebSocket-Key', ''], version], 'request_malformed'],
    ['two keys', [key, key, version], 'request_malformed'],
    ['two keys in one line', [['Sec-WebSocket-Key', `${sampleKey}, ${sampleKey}`], version], 'request_malformed'],
    ['15 octets', [['Sec-WebSocket-Key', Buffer.alloc(15).toString('base64')], version], 'request_malformed'],
    ['17 octets', [['Sec-WebSocket-Key', Buffer.alloc(17).toString('base64')], version], 'request_malformed'],
    ['no base64', [['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZ-=='], version], 'request_malformed'],
    ['no padding', [['Sec-WebSocket-Key', sampleKey.slice(0, 22)], version], 'request_malformed'],
    ['no version', [key], 'request_malformed'],
    ['two versions', [key, version, version], 'request_malformed'],
    ['a list of versions', [key, ['Sec-WebSocket-Version', '13, 8']], 'request_malformed'],
    ['a version that is no number', [key, ['Sec-WebSocket-Version', 'hybi']], 'request_malformed'],
    ['WS-5: an old version is for the upstream to judge', [key, ['Sec-WebSocket-Version', '8']], 'good'],
    ['WS-5: so is one to come', [key, ['Sec-WebSocket-Version', '99']], 'good'],
  ]
  for (const [what, lines, expected] of cases) assert.equal(reasonOf(lines), expected, what)
})

test('WS-8: an origin counts character for character, and only where a list is given', () => {
  const mine = 'https://app.example.com'
  const cases: readonly (readonly [what: string, sent: readonly string[], string])[] = [
    ['no browser', [], 'good'],
    ['one of them', [mine], 'good'],
    ['the other one', ['null'], 'good'],
    ['another host', ['https://evil.example.com'], 'route_denied'],
    ['another scheme', ['http://app.example.com'], 'route_denied'],
    ['a port', [`${mine}:443`], 'route_denied'],
    ['a slash', [`${mine}/`], 'route_denied'],
    ['a longer host', [`${mine}.evil.test`], 'route_denied'],
    ['another case', ['https://APP.example.com'], 'route_denied'],
    ['empty', [''], 'route_denied'],
    ['the same twice', [mine, mine], 'route_denied'],
    ['a good one before a bad one', [mine, 'https://evil.test'], 'route_denied'],
    ['a list', [`${mine}, https://evil.test`], 'route_denied'],
  ]
  for (const [what, sent, expected] of cases) {
    const lines: Lines = [key, version, ...sent.map((origin) => ['Origin', origin] as const)]
    assert.equal(reasonOf(lines, [mine, 'null']), expected, what)
    assert.equal(reasonOf(lines), 'good', what)
  }
})

test('WS-8: the refusal shows a hundred characters of the origin at the most', () => {
  const origin = `https://${'a'.repeat(500)}.test`
  const read = readHandshake([...key, ...version, 'Origin', origin], ['null'])
  assert.deepEqual(read, {
    reason: 'route_denied',
    fault: `origin: expected one of websocket.origins, got ${origin.slice(0, 100)}`,
  })
})

const asked: Handshake = { key: sampleKey, version: '13', protocols: ['chat', 'superchat'] }
const accept = ['Sec-WebSocket-Accept', acceptOf(sampleKey)] as const
const upgrade = ['Upgrade', 'websocket'] as const
const connection = ['Connection', 'Upgrade'] as const

test('WS-6: only the 101 that answers this handshake opens a tunnel', () => {
  const right: Lines = [upgrade, connection, accept]
  const protocol = (value: string) => ['Sec-WebSocket-Protocol', value] as const
  const good: readonly Lines[] = [
    right,
    [['UPGRADE', 'WebSocket'], ['connection', 'upgrade'], accept],
    [...right, protocol('chat')],
    [...right, ['Sec-WebSocket-Extensions', 'permessage-deflate']],
  ]
  const bad: readonly (readonly [what: string, Lines])[] = [
    ['no Upgrade', [connection, accept]],
    ['h2c', [['Upgrade', 'h2c'], connection, accept]],
    ['a list', [['Upgrade', 'websocket, h2c'], connection, accept]],
    ['two Upgrade lines', [upgrade, upgrade, connection, accept]],
    ['no Connection', [upgrade, accept]],
    ['two Connection lines', [upgrade, connection, connection, accept]],
    ['Connection without upgrade', [upgrade, ['Connection', 'keep-alive'], accept]],
    ['no accept', [upgrade, connection]],
    ['two accepts', [...right, accept]],
    ['an accept in another case', [upgrade, connection, [accept[0], accept[1].toLowerCase()]]],
    ['an accept for another key', [upgrade, connection, [accept[0], acceptOf('AAAAAAAAAAAAAAAAAAAAAA==')]]],
    ['the key itself', [upgrade, connection, [accept[0], sampleKey]]],
    ['a protocol nobody offered', [...right, protocol('admin')]],
    ['an empty protocol', [...right, protocol('')]],
    ['a protocol in another case', [...right, protocol('Chat')]],
    ['two protocols', [...right, protocol('chat'), protocol('superchat')]],
    ['a list of protocols', [...right, protocol('chat, superchat')]],
  ]
  for (const lines of good) assert.equal(answerFault(lines.flat(), asked), undefined, `${lines}`)
  for (const [what, lines] of bad) assert.match(answerFault(lines.flat(), asked) ?? '', /^upgrade: a 101 /, what)
})

test('WS-5: no 101 is right for a version that the gateway does not know', () => {
  const lines = [...upgrade, ...connection, ...accept]
  for (const other of ['8', '99', '013']) assert.ok(answerFault(lines, { ...asked, version: other }), other)
})

test('WS-6: what was offered in several lines was offered', () => {
  const offer = [...key, ...version, 'Sec-WebSocket-Protocol', 'a, b', 'Sec-WebSocket-Protocol', 'c']
  const read = readHandshake(offer, undefined)
  assert.deepEqual(read, { key: sampleKey, version: '13', protocols: ['a', 'b', 'c'] })
})
