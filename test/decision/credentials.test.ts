import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCredentials, schemeMeant, withoutQueryToken } from '../../src/decision/credentials.ts'

const read = (lines: readonly string[], query = ''): string => {
  const outcome = readCredentials(lines, query)
  return outcome.ok ? `${outcome.value.scheme} ${outcome.value.token}` : outcome.refusal.reason
}

const cases: readonly (readonly [string, string, readonly string[], string])[] = [
  ['BR-1', 'a bearer token', ['Bearer a.b.c'], 'Bearer a.b.c'],
  ['BR-2', 'the scheme in any case', ['bEaReR a'], 'Bearer a'],
  ['BR-2', 'DPoP', ['DPoP a.b.c'], 'DPoP a.b.c'],
  ['BR-2', 'DPoP in any case', ['dPOp a'], 'DPoP a'],
  ['BR-3', 'two spaces', ['Bearer  a'], 'Bearer a'],
  ['BR-3', 'many spaces after DPoP', ['DPoP     a'], 'DPoP a'],
  ['BR-3', 'the whole of token68', ['Bearer aZ09-._~+/=='], 'Bearer aZ09-._~+/=='],
  ['BR-3', 'a tab', ['Bearer\ta'], 'credentials_malformed'],
  ['BR-3', 'a tab after DPoP', ['DPoP\ta'], 'credentials_malformed'],
  ['BR-3', 'a tab after the space', ['Bearer \ta'], 'credentials_malformed'],
  ['BR-3', 'a second word', ['Bearer a b'], 'credentials_malformed'],
  ['BR-3', 'a comma', ['Bearer a,b'], 'credentials_malformed'],
  ['BR-3', 'a list', ['Bearer a, Bearer b'], 'credentials_malformed'],
  ['BR-3', 'a list of both schemes', ['Bearer a, DPoP b'], 'credentials_malformed'],
  ['BR-3', 'quotes', ['Bearer "a"'], 'credentials_malformed'],
  ['BR-3', 'a trailing space', ['Bearer a '], 'credentials_malformed'],
  ['BR-3', 'padding inside', ['Bearer a=b'], 'credentials_malformed'],
  ['BR-3', 'padding alone', ['Bearer =='], 'credentials_malformed'],
  ['BR-3', 'a letter outside ASCII', ['Bearer é'], 'credentials_malformed'],
  ['BR-3', 'a line break at the end', ['Bearer a\n'], 'credentials_malformed'],
  ['BR-4', 'the scheme alone', ['Bearer'], 'credentials_malformed'],
  ['BR-4', 'DPoP alone', ['DPoP'], 'credentials_malformed'],
  ['BR-4', 'the scheme and a space', ['Bearer '], 'credentials_malformed'],
  ['BR-4', 'nothing', [''], 'credentials_malformed'],
  ['BR-4', 'no scheme', [' a'], 'credentials_malformed'],
  ['BR-5', 'two lines', ['Bearer a', 'Bearer b'], 'credentials_repeated'],
  ['BR-5', 'two equal lines', ['Bearer a', 'Bearer a'], 'credentials_repeated'],
  ['BR-5', 'Bearer and DPoP', ['Bearer a', 'DPoP a'], 'credentials_repeated'],
  ['BR-5', 'two schemes', ['Bearer a', 'Basic b'], 'credentials_repeated'],
  ['BR-5', 'two lines of which none counts', ['Basic a', 'Basic b'], 'credentials_repeated'],
  ['BR-9', 'no line', [], 'token_missing'],
  ['BR-10', 'Basic', ['Basic dXNlcjpwYXNz'], 'token_missing'],
  ['BR-3', 'a scheme that ends in a comma', ['Basic,x'], 'credentials_malformed'],
  ['BR-10', 'a longer name', ['Bearera x'], 'token_missing'],
  ['BR-10', 'a longer name than DPoP', ['DPoP2 x'], 'token_missing'],
  ['BR-10', 'a shorter name', ['Beare x'], 'token_missing'],
]
for (const [id, what, lines, expected] of cases) {
  test(`${id}: ${what} is ${expected}`, () => assert.equal(read(lines), expected))
}

test('BR-6: a token in the query is no credential, and beside a good one it is one too many', () => {
  assert.equal(read([], '?access_token=x'), 'token_missing')
  assert.equal(read(['Bearer a'], '?access_token=x'), 'credentials_repeated')
  assert.equal(read(['DPoP a'], '?access_token=x'), 'credentials_repeated')
  assert.equal(read(['Bearer a'], '?access_token'), 'credentials_repeated')
  assert.equal(read(['Bearer a'], '?x=1&%61ccess_token=x'), 'credentials_repeated')
  assert.equal(read(['Bearer a'], '?%zz&%61ccess%5Ftoken=x'), 'credentials_repeated')
  assert.equal(read(['Bearer a'], '?access_tokens=x&q=access_token'), 'Bearer a')
  assert.equal(read(['Basic a'], '?access_token=x'), 'token_missing')
})

test('BR-6: a token in the query is never forwarded; all else stays byte for byte', () => {
  assert.equal(withoutQueryToken('?a=1&access_token=x&b=%zz'), '?a=1&b=%zz')
  assert.equal(withoutQueryToken('?%61ccess_token=x'), '')
  assert.equal(withoutQueryToken('?a=%61&&b'), '?a=%61&&b')
  assert.equal(withoutQueryToken('?q=access_token&&b'), '?q=access_token&&b')
  assert.equal(withoutQueryToken(''), '')
})

const faults: readonly (readonly [readonly string[], string, string])[] = [
  [[], '', 'no Authorization field'],
  [[], '?access_token=x', 'a token in the query is no credential'],
  [['Basic a'], '', 'an authentication scheme that is not supported'],
  [['Bearer'], '', 'no token after the scheme'],
  [['Bearer "a"'], '', 'the token is not token68'],
  [['Bearer\ta'], '', 'the scheme is not followed by a space'],
  [[' a'], '', 'no authentication scheme'],
  [['Bearer a', 'DPoP b'], '', '2 Authorization lines'],
  [['Bearer a'], '?access_token=x', 'a token in Authorization and one in the query'],
]
for (const [lines, query, expected] of faults) {
  test(`the operator is told: ${expected}`, () => {
    const outcome = readCredentials(lines, query)
    assert.ok(!outcome.ok && 'fault' in outcome.refusal)
    assert.equal(outcome.refusal.fault, expected)
  })
}

const meant: readonly (readonly [readonly string[], string | undefined])[] = [
  [['Bearer'], 'Bearer'],
  [['bearer "x"'], 'Bearer'],
  [['DPoP'], 'DPoP'],
  [['dpop\tx'], 'DPoP'],
  [['Basic x'], undefined],
  [[''], undefined],
  [[], undefined],
  [['DPoP a', 'DPoP b'], undefined],
]
for (const [lines, expected] of meant) {
  test(`BR-16: a refused ${JSON.stringify(lines)} meant ${expected}`, () => assert.equal(schemeMeant(lines), expected))
}
