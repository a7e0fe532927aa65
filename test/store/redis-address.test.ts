import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redisAddress } from '../../src/store/redis-address.ts'

const read = (url: string, username?: string) =>
  redisAddress({ kind: 'redis', url, username, passwordFile: undefined, ca: undefined })

const plain = {
  host: 'cache.test',
  port: 6379,
  tls: false,
  servername: 'cache.test',
  database: 0,
  username: undefined,
  password: undefined,
  shown: 'cache.test:6379',
}

test('a URL of Redis names host, port, database, user and password, and shows the first two only', () => {
  const cases: readonly (readonly [string, Partial<typeof plain> | Readonly<Record<string, unknown>>])[] = [
    ['redis://cache.test', {}],
    ['redis://cache.test/', {}],
    ['redis://cache.test:7000/3', { port: 7000, database: 3, shown: 'cache.test:7000' }],
    ['rediss://cache.test', { tls: true }],
    ['redis://me:pa%40ss%2F@cache.test/1', { username: 'me', password: 'pa@ss/', database: 1 }],
    ['redis://:word@cache.test', { password: 'word' }],
    ['rediss://[::1]:7000', { tls: true, host: '::1', port: 7000, servername: undefined, shown: '[::1]:7000' }],
    ['rediss://10.0.0.1', { tls: true, host: '10.0.0.1', servername: undefined, shown: '10.0.0.1:6379' }],
  ]
  for (const [url, expected] of cases) assert.deepEqual(read(url), { ...plain, ...expected }, url)
  assert.equal(read('redis://cache.test', 'other')?.username, 'other')
})

test('what is no such URL is undefined, and no error quotes it', () => {
  for (const url of [
    '',
    'redis://',
    'http://cache.test',
    'redis://cache.test:99999',
    'redis://cache.test:0',
    'redis://cache.test/zero',
    'redis://a:%ff@cache.test',
    'x',
  ]) {
    assert.equal(read(url), undefined, url)
  }
})
