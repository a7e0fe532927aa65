import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOfEntry, addressOfNode, readForwarded } from '../../src/http/forwarded.ts'
import { assertInProportion } from '../support/cost-ratio.ts'

const element = (given: { for?: string; host?: string; proto?: string }) => ({
  for: undefined,
  host: undefined,
  proto: undefined,
  ...given,
})

test('FW-4: the elements of `Forwarded`, the last hop first, with quotes and escapes taken off', () => {
  for (const [field, expected] of [
    ['for=192.0.2.43', [element({ for: '192.0.2.43' })]],
    ['For="[2001:db8:cafe::17]:4711";PROTO=https', [element({ for: '[2001:db8:cafe::17]:4711', proto: 'https' })]],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', [element({ for: '192.0.2.60', proto: 'http' })]],
    ['for=192.0.2.43, for=198.51.100.17', [element({ for: '198.51.100.17' }), element({ for: '192.0.2.43' })]],
    ['for=a \t,\t host="h:1"', [element({ host: 'h:1' }), element({ for: 'a' })]],
    ['for="a\\"b,\\\\;c"', [element({ for: 'a"b,\\;c' })]],
    ['for="x;proto=https, proto=https"', [element({ for: 'x;proto=https, proto=https' })]],
    ['for=""', [element({ for: '' })]],
    ['secret=x', [element({})]],
    ['', []],
  ] as const) {
    assert.deepEqual(readForwarded(field), expected, field)
  }
})

test('FW-4: what breaks the grammar anywhere is no field at all', () => {
  for (const field of [
    'for',
    'for=',
    '=a',
    'for=a;',
    'for=a,',
    ',for=a',
    'for=a,,for=b',
    'for=a;;proto=http',
    'for=a; proto=http',
    'for=a ;proto=http',
    'for =a',
    'for= a',
    'for=[2001:db8::1]',
    'for=1.2.3.4:80',
    'for="open',
    'for="a"b',
    'for="a\\"',
    'for=a"b"',
    'for="caf\xe9"',
    'for="a\tb"',
    'for=a proto=http',
    // RFC 7239 section 4: not more than once.
    'for=a;for=b',
    'for=a;proto=http;FOR=b',
    Array.from({ length: 101 }, () => 'for=a').join(','),
  ]) {
    assert.equal(readForwarded(field), undefined, field)
  }
  assert.equal(readForwarded(Array.from({ length: 100 }, () => 'for=a').join(','))?.length, 100)
})

test('FW-4: an address is found in every form of a node, and none in what only looks like one', () => {
  for (const [node, expected] of [
    ['192.0.2.43', '192.0.2.43'],
    ['192.0.2.43:4711', '192.0.2.43'],
    ['192.0.2.43:_port', '192.0.2.43'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:DB8::1]:4711', '2001:db8::1'],
    ['[::ffff:192.0.2.43]', '192.0.2.43'],
    ['[::FFFF:192.0.2.43]:1', '192.0.2.43'],
    ['unknown', ''],
    ['_hidden', ''],
    ['_SEVKISEK', ''],
    ['', ''],
    ['2001:db8::1', ''],
    ['[192.0.2.43]', ''],
    ['[2001:db8::1', ''],
    ['[fe80::1%eth0]', ''],
    ['192.0.2.43:', ''],
    ['192.0.2.43:123456', ''],
    ['192.0.2.256', ''],
    ['192.0.2', ''],
    ['0300.0.2.43', ''],
    [' 192.0.2.43', ''],
    ['localhost', ''],
  ] as const) {
    assert.equal(addressOfNode(node), expected, node)
    assert.equal(addressOfEntry(node), node === '2001:db8::1' ? node : expected, node)
  }
  assert.equal(addressOfEntry('2001:DB8::1'), '2001:db8::1')
  assert.equal(addressOfEntry('::ffff:192.0.2.43'), '192.0.2.43')
  assert.equal(addressOfEntry('fe80::1%eth0'), '')
})

test('anything costs no more than its length', () => {
  const hostile: readonly ((octets: number) => string)[] = [
    (octets) => 'for=a,'.repeat(octets / 6),
    (octets) => 'a=b;'.repeat(octets / 4),
    (octets) => `for="${'\\"'.repeat(octets / 2)}`,
    (octets) => `for=a${' '.repeat(octets)}b`,
    (octets) => `for=${'a'.repeat(octets)}`,
    (octets) => Array.from({ length: octets / 8 }, (_, i) => `a${i}=b`).join(';'),
  ]
  for (const make of hostile) {
    assertInProportion(make(16), 32_768, (octets) => {
      const field = make(octets)
      return () => readForwarded(field)
    })
  }
})
