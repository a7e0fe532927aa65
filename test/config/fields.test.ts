import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fields } from '../../src/config/fields.ts'

const duration = fields.duration('0s', '24h')
const size = fields.size('0', '1GiB')

for (const [text, ms] of [
  ['250ms', 250],
  ['0s', 0],
  ['30s', 30_000],
  ['10m', 600_000],
  ['24h', 86_400_000],
] as const) {
  test(`the duration ${text} is ${ms} ms`, () => assert.equal(duration.parse(text), ms))
}

for (const value of [
  '',
  '30',
  30,
  '1.5s',
  '-1s',
  '1d',
  '30 s',
  '1h30m',
  '٣s',
  Number.NaN,
  Infinity,
  '25h',
  's',
  null,
]) {
  test(`attacks 2.8 row 11: ${JSON.stringify(value)} (${typeof value}) is no duration up to 24h`, () =>
    assert.equal(duration.safeParse(value).success, false))
}

for (const [value, bytes] of [
  ['512', 512],
  [512, 512],
  [0, 0],
  ['16KiB', 16_384],
  ['1MiB', 1_048_576],
  ['1GiB', 1_073_741_824],
] as const) {
  test(`the size ${JSON.stringify(value)} is ${bytes} bytes`, () => assert.equal(size.parse(value), bytes))
}

for (const value of ['', '8KB', '8kib', '1.5MiB', -1, 1.5, '2GiB', Infinity, Number.NaN, '0x10']) {
  test(`${JSON.stringify(value)} is no size up to 1GiB`, () => assert.equal(size.safeParse(value).success, false))
}

for (const [value, host, port] of [
  ['127.0.0.1:8080', '127.0.0.1', 8080],
  [':8080', '0.0.0.0', 8080],
  [8080, '0.0.0.0', 8080],
  ['8080', '0.0.0.0', 8080],
  ['[::1]:8080', '::1', 8080],
  ['[::]:0', '::', 0],
  ['localhost:80', 'localhost', 80],
  ['gateway.internal:80', 'gateway.internal', 80],
] as const) {
  test(`the address ${JSON.stringify(value)} is port ${port} of ${host}`, () =>
    assert.deepEqual(fields.address().parse(value), { host, port }))
}

for (const value of [
  '',
  '127.0.0.1',
  'localhost',
  '::1:80',
  '[::1]',
  '[g]:80',
  '1.2.3:80',
  '256.0.0.1:1',
  ':65536',
  -1,
  65536,
  1.5,
  'a b:1',
  '127.0.0.1:',
]) {
  test(`${JSON.stringify(value)} is no address to listen at`, () =>
    assert.equal(fields.address().safeParse(value).success, false))
}

for (const value of ['10.0.0.0/8', '192.0.2.7', '0.0.0.0/0', 'fd00::/8', '::1', '::ffff:10.0.0.1']) {
  test(`${value} is a network`, () => assert.equal(fields.network().parse(value), value))
}

for (const value of [
  '',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10.0.0/8',
  '010.0.0.1',
  'proxy',
  'fd00::/129',
  'fe80::1%eth0',
  '10.0.0.0/8/8',
  '0xa.0.0.1',
]) {
  test(`FW-2: ${JSON.stringify(value)} is no network, so nobody is trusted by a slip`, () =>
    assert.equal(fields.network().safeParse(value).success, false))
}
