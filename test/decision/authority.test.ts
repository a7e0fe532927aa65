import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAuthority } from '../../src/decision/authority.ts'

const canonical: readonly (readonly [string, string])[] = [
  ['API.Example.COM', 'api.example.com'],
  ['api.example.com:443', 'api.example.com'],
  ['api.example.com:8443', 'api.example.com'],
  ['api.example.com.', 'api.example.com'],
  ['127.0.0.1:8080', '127.0.0.1'],
  ['[::1]:8080', '[::1]'],
  ['[2001:DB8::1]', '[2001:db8::1]'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['localhost', 'localhost'],
]
for (const [text, host] of canonical) {
  test(`RT-1: ${text} is the host ${host}`, () => assert.equal(parseAuthority(text), host))
}

const refused = [
  '',
  'a b',
  'a b/@x',
  'user@host',
  'a,b',
  'host/path',
  'host;proto=https',
  'host:port',
  'host:',
  'host:123456',
  '[::1',
  '[::1]x',
  '[zz]',
  'bücher.example',
  'a..b',
  '.a',
  '-a',
  'a%41',
  '0x7f.1',
  '127.1',
  '2130706433',
  '1.2.3.256',
  '010.0.0.1',
  'host\u0000',
]
for (const text of refused) {
  test(`H1-1, UR-17, UR-18: ${JSON.stringify(text)} is no authority`, () =>
    assert.equal(parseAuthority(text), undefined))
}
