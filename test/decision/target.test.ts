import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTarget, pathFault } from '../../src/decision/target.ts'

const verdict = (raw: string, method = 'GET', limit = 8192): string => {
  const parsed = parseTarget(method, raw, limit)
  if (!parsed.ok) return parsed.refusal.reason
  const { path, query, encodedSlash, parameters } = parsed.value
  return `${path}|${query}${encodedSlash ? ' %2F' : ''}${parameters ? ' ;' : ''}`
}

test('UR-1: only pchar and `/` may stand in a path, octet by octet', () => {
  const pchar = /^[A-Za-z0-9\-._~!$&'()*+,=:@]$/
  for (let octet = 0; octet < 256; octet++) {
    const char = String.fromCharCode(octet)
    const target = `/a${char}b`
    if (pchar.test(char)) assert.equal(verdict(target), `${target}|`)
    else if (char === '/') assert.equal(verdict(target), '/a/b|')
    else if (char === '?') assert.equal(verdict(target), '/a|?b')
    else if (char === ';') assert.equal(verdict(target), '/a;b| ;')
    else assert.equal(verdict(target), 'target_malformed', `octet ${octet}`)
  }
})

const refused: readonly (readonly [string, string, string])[] = [
  ['UR-2', 'percent without digits', '/%'],
  ['UR-2', 'percent with one bad digit', '/%z1'],
  ['UR-2', 'percent with one digit', '/%4'],
  ['UR-3', 'a dot segment inside', '/a/../b'],
  ['UR-3', 'a dot segment alone', '/..'],
  ['UR-3', 'a single dot at the end', '/a/.'],
  ['UR-3', 'a single dot inside', '/a/./b'],
  ['UR-4', 'encoded dots', '/a/%2e%2e/b'],
  ['UR-4', 'half-encoded dots', '/a/.%2E/b'],
  ['UR-4', 'one encoded dot', '/a/%2e/b'],
  ['UR-6', 'encoded backslash', '/a%5c..%5cadmin'],
  ['UR-6', 'upper-case encoded backslash', '/a%5Cadmin'],
  ['UR-6', 'raw backslash', '/a\\..\\admin'],
  ['UR-7', 'double-encoded dots', '/%252e%252e/admin'],
  ['UR-7', 'a percent sign spelled in pieces', '/%25%32%66'],
  ['UR-8', 'encoded NUL', '/a%00'],
  ['UR-8', 'encoded line feed', '/admin%0a'],
  ['UR-8', 'encoded DEL', '/a%7F'],
  ['UR-9', 'overlong slash', '/%c0%ae'],
  ['UR-9', 'lone octet', '/%ff'],
  ['UR-9', 'encoded surrogate', '/%ed%a0%80'],
  ['UR-10', 'dots before a parameter', '/a/..;/admin'],
  ['UR-10', 'dot before a parameter', '/.;x'],
  ['UR-10', 'dotted name before a parameter', '/.x;y'],
  ['UR-10', 'nothing before a parameter', '/;a'],
  ['UR-10', 'dots before an encoded semicolon', '/a/..%3b/admin'],
  ['UR-10', 'nothing before an encoded semicolon', '/%3Ba'],
  ['UR-11', 'two slashes first', '//admin'],
  ['UR-11', 'two slashes inside', '/a//b'],
  ['UR-11', 'three slashes', '///'],
  ['UR-12', 'an encoded letter', '/%61dmin'],
  ['UR-12', 'an encoded tilde', '/%7Ea'],
  ['UR-16', 'a fragment in the path', '/public#/../admin'],
  ['UR-16', 'a fragment in the query', '/public?a#b'],
  ['UR-5', 'dots behind an encoded slash', '/a/..%2fb'],
  ['UR-5', 'dots between encoded slashes', '/a%2F..%2Fb'],
  ['UR-5', 'an empty piece between encoded slashes', '/a%2f%2fb'],
  ['UR-5', 'an encoded slash at the end', '/a%2f'],
  ['RT-13', 'an authority in the path', '//evil.test/ok'],
  ['H1-3', 'an asterisk without OPTIONS', '*'],
  ['H1-4', 'no leading slash', 'admin/secret'],
  ['H1-4', 'an empty target', ''],
  ['H1-2', 'another scheme', 'file:///etc/passwd'],
  ['H1-2', 'an absolute URI without an authority', 'http:///path'],
  ['H1-2', 'a scheme without authority slashes', 'http:/admin/secret'],
]
for (const [id, what, target] of refused) {
  test(`${id}: ${what} is refused: ${JSON.stringify(target)}`, () => {
    assert.equal(verdict(target), 'target_malformed')
  })
}

const passing: readonly (readonly [string, string, string])[] = [
  ['UR-12', '/caf%c3%a9', '/caf%c3%a9|'],
  ['UR-3', '/public/...', '/public/...|'],
  ['UR-3', '/public/a..b', '/public/a..b|'],
  ['UR-3', '/.well-known/x', '/.well-known/x|'],
  ['RT-5', '/', '/|'],
  ['UR-14', '/a/', '/a/|'],
  ['UR-15', '/a?', '/a|?'],
  ['UR-15', '/public?/../admin&x=//%2e', '/public|?/../admin&x=//%2e'],
  ['UR-15', '/public%3f', '/public%3f|'],
  ['UR-15', '/a?b?c\\d"<>', '/a|?b?c\\d"<>'],
  ['UR-5', '/a%2Fb', '/a%2Fb| %2F'],
  ['UR-10', '/a;x=1', '/a;x=1| ;'],
  ['UR-10', '/a%3Bx', '/a%3Bx| ;'],
  ['UR-2', '/100%25', '/100%25|'],
  ['UR-1', "/!$&'()*+,=:@-._~", "/!$&'()*+,=:@-._~|"],
]
for (const [id, target, expected] of passing) {
  test(`${id}: ${target} is canonical and stays as it is`, () => {
    assert.equal(verdict(target), expected)
  })
}

test('H1-2: an absolute-form target gives its authority, and its empty path is `/` (RT-5)', () => {
  const parsed = parseTarget('GET', 'https://api.example.com?x=1', 100)
  assert.ok(parsed.ok)
  assert.deepEqual(
    { path: parsed.value.path, query: parsed.value.query, authority: parsed.value.authority },
    { path: '/', query: '?x=1', authority: 'api.example.com' },
  )
})

test('H1-3: `*` is for OPTIONS', () => {
  assert.equal(verdict('*', 'OPTIONS'), '*|')
})

test('H1-5: one octet above the limit is too long, and 0 is no limit', () => {
  assert.equal(verdict(`/${'a'.repeat(7999)}`, 'GET', 8000), `/${'a'.repeat(7999)}|`)
  assert.equal(verdict(`/${'a'.repeat(8000)}`, 'GET', 8000), 'target_too_long')
  assert.equal(verdict(`/${'a'.repeat(9000)}`, 'GET', 0), `/${'a'.repeat(9000)}|`)
})

test('RT-6: what is accepted is the very string that was sent, cut at the first `?`', () => {
  const alphabet = fc.constantFrom(...'ab.%2eE5cCfF/;?#\\~\u00e9 0')
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 24 }), (chars) => {
      const raw = `/${chars.join('')}`
      const parsed = parseTarget('GET', raw, 0)
      if (!parsed.ok) return
      const { path, query } = parsed.value
      assert.equal(path + query, raw)
      // No reading of an accepted path may leave its directory, whatever an upstream decodes.
      const decodedTwice = decodeURIComponent(decodeURIComponent(path.replaceAll('%25', '%2525')))
      assert.ok(!/(^|[/\\])\.\.?([/\\;]|$)/.test(decodedTwice), path)
    }),
    { numRuns: 3000 },
  )
})

test('UR-20: a path of the config is held to the same rules, and its relaxations', () => {
  const strict = { encodedSlashes: false, parameters: false }
  assert.equal(pathFault('/v1/', strict), undefined)
  assert.match(pathFault('/a//b', strict) ?? '', /empty segment/)
  assert.match(pathFault('v1', strict) ?? '', /start with/)
  assert.match(pathFault('/a?b', strict) ?? '', /holds/)
  assert.match(pathFault('/a%2Fb', strict) ?? '', /encoded slash/)
  assert.equal(pathFault('/a%2Fb', { ...strict, encodedSlashes: true }), undefined)
  assert.match(pathFault('/a;b', strict) ?? '', /`;`/)
  assert.equal(pathFault('/a;b', { ...strict, parameters: true }), undefined)
})
