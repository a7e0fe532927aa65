import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCredentials, withoutQueryToken } from '../../src/decision/credentials.ts'

const read = (lines: readonly string[], query = ''): string => {
  const outcome = readCredentials(lines, query)
  return outcome.ok ? `token ${outcome.value}` : outcome.refusal.reason
}

const cases: readonly (readonly [string, string, readonly string[], string])[] = [
  ['BR-1', 'a bearer token', ['Bearer a.b.c'], 'token a.b.c'],
  ['BR-2', 'the scheme in any case', ['bEaReR a'], 'token a'],
  ['BR-3', 'two spaces', ['Bearer  a'], 'token a'],
  ['BR-3', 'the whole of token68', ['Bearer aZ09-._~+/=='], 'token aZ09-._~+/=='],
  ['BR-3', 'a tab', ['Bearer\ta'], 'credentials_malformed'],
  ['BR-3', 'a second word', ['Bearer a b'], 'credentials_malformed'],
  ['BR-3', 'a comma', ['Bearer a,b'], 'credentials_malformed'],
  ['BR-3', 'a list', ['Bearer a, Bearer b'], 'credentials_malformed'],
  ['BR-3', 'quotes', ['Bearer "a"'], 'credentials_malformed'],
  ['BR-3', 'a trailing space', ['Bearer a '], 'credentials_malformed'],
  ['BR-3', 'padding inside', ['Bearer a=b'], 'credentials_malformed'],
  ['BR-4', 'the scheme alone', ['Bearer'], 'credentials_malformed'],
  ['BR-4', 'the scheme and a space', ['Bearer '], 'credentials_malformed'],
  ['BR-4', 'nothing', [''], 'credentials_malformed'],
  ['BR-4', 'no scheme', [' a'], 'credentials_malformed'],
  ['BR-5', 'two lines', ['Bearer a', 'Bearer b'], 'credentials_repeated'],
  ['BR-5', 'two equal lines', ['Bearer a', 'Bearer a'], 'credentials_repeated'],
  ['BR-5', 'two schemes', ['Bearer a', 'Basic b'], 'credentials_repeated'],
  ['BR-9', 'no line', [], 'token_missing'],
  ['BR-10', 'Basic', ['Basic dXNlcjpwYXNz'], 'token_missing'],
  ['BR-3', 'a scheme that ends in a comma', ['Basic,x'], 'credentials_malformed'],
  ['BR-10', 'a longer name', ['Bearera x'], 'token_missing'],
]
for (const [id, what, lines, expected] of cases) {
  test(`${id}: ${what} is ${expected}`, () => assert.equal(read(lines), expected))
}

test('BR-6: a token in the query is no credential, and beside a good one it is one too many', () => {
  assert.equal(read([], '?access_token=x'), 'token_missing')
  assert.equal(read(['Bearer a'], '?access_token=x'), 'credentials_repeated')
  assert.equal(read(['Bearer a'], '?x=1&%61ccess_token=x'), 'credentials_repeated')
  assert.equal(read(['Bearer a'], '?%zz&%61ccess%5Ftoken=x'), 'credentials_repeated')
  assert.equal(read(['Bearer a'], '?access_tokens=x&q=access_token'), 'token a')
})

test('BR-6: a token in the query is never forwarded; all else stays byte for byte', () => {
  assert.equal(withoutQueryToken('?a=1&access_token=x&b=%zz'), '?a=1&b=%zz')
  assert.equal(withoutQueryToken('?%61ccess_token=x'), '')
  assert.equal(withoutQueryToken('?a=%61&&b'), '?a=%61&&b')
  assert.equal(withoutQueryToken(''), '')
})
