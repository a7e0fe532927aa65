import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redisUrlFault } from '../../src/store/options.ts'

const scheme = '`store` must be `memory`, or begin with redis:// or rediss://'
const host = '`store` must name a host'
const port = 'the port of the URL must be a number from 1 to 65535'
const query = 'the URL of a store must not have a query or a fragment'
const path = 'the path of the URL must be the number of a database'
const user = 'the user and the password of the URL must be percent-encoded'

test('a URL of a store is judged without a word of it', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['redis://cache', undefined],
    ['REDISS://cache.test/', undefined],
    ['redis://cache:6379/15', undefined],
    ['redis://cache:/0', undefined],
    ['redis://cache:1', undefined],
    ['redis://cache:65535', undefined],
    ['redis://10.0.0.1:7000', undefined],
    ['rediss://[::1]', undefined],
    ['rediss://u:p@[::1]:7000/0', undefined],
    ['redis://u@cache', undefined],
    ['redis://u:p@cache', undefined],
    ['redis://:p@cache:6379', undefined],
    ['redis://u%40x:p%2F%25%C3%BC@cache', undefined],
    ['redis://u:p@q:r@cache:6379', undefined],
    ['redis://cache\n', undefined],
    ['', scheme],
    ['cache:6379', scheme],
    ['redis:cache', scheme],
    ['redis:/cache', scheme],
    ['http://cache', scheme],
    ['unix:///run/redis', scheme],
    ['redis://', host],
    ['redis:///0', host],
    ['redis://:6379', host],
    ['redis://u:canary@', host],
    ['redis://u:canary@/0', host],
    ['redis://u:canary@ca che', host],
    ['redis://ca%63he', host],
    ['redis://[::1', host],
    ['redis://[::1%25eth0]', host],
    ['redis://cache:0', port],
    ['redis://cache:00/0', port],
    ['redis://cache:65536', port],
    ['redis://cache:-1', port],
    ['redis://cache:1e3', port],
    ['redis://cache:0x50', port],
    ['redis://cache:redis', port],
    ['redis://u:canary@[::1]:0', port],
    ['redis://cache?family=4', query],
    ['redis://cache/0?x', query],
    ['redis://cache/0#x', query],
    ['redis://cache/zero', path],
    ['redis://cache/0/', path],
    ['redis://cache/-1', path],
    ['redis://cache/12345', path],
    ['redis://u:canary%zz@cache', user],
    ['redis://u:canary%@cache', user],
    ['redis://u:canary%ff@cache', user],
    ['redis://canary%c3@cache', user],
  ]
  for (const [url, expected] of cases) assert.equal(redisUrlFault(url), expected, JSON.stringify(url))
})
