import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_AUDIENCES, MAX_DETAILS, MAX_SCOPES, readClaims } from '../../src/token/claims.ts'
import { readJsonObject } from '../../src/token/json.ts'
import type { TokenOptions } from '../../src/token/options.ts'
import { profileOf } from '../../src/token/profile/index.ts'
import { AUDIENCE, goodClaims, NOW } from '../support/tokens.ts'
import { reasonOf } from '../support/verifying.ts'

const NO_OVERRIDES = { scope: undefined, clientId: undefined }
const PROFILES = ['rfc9068', 'jwt'] as const

const read = (
  claims: Record<string, unknown> | string,
  profile: TokenOptions['profile'] = 'rfc9068',
  overrides: TokenOptions['claims'] = NO_OVERRIDES,
) => {
  const text = typeof claims === 'string' ? claims : JSON.stringify(goodClaims(claims))
  const members = readJsonObject(Buffer.from(text), 'claims')
  assert.ok(members.ok)
  return readClaims(members.value, profileOf({ profile, claims: overrides }))
}

const good = (...given: Parameters<typeof read>) => {
  const outcome = read(...given)
  assert.ok(outcome.ok, JSON.stringify(outcome))
  return outcome.value
}

test('a good RFC 9068 token is read whole, and unknown claims pass (AT-13)', () => {
  assert.deepEqual(good({ nbf: NOW - 1.5, unknown: { a: [1] } }), {
    audience: [AUDIENCE],
    scopes: ['orders:read', 'orders:write'],
    subject: 'alice',
    client: 'cli',
    scopesByAudience: undefined,
    authTime: undefined,
    acr: undefined,
    authorizationDetails: [],
    confirmation: undefined,
    dates: { exp: NOW + 3600, nbf: NOW - 1.5, iat: NOW - 60 },
  })
})

test('AT-4: each required claim is missed by its name, in rfc9068 and in jwt', () => {
  for (const claim of ['exp', 'sub', 'client_id', 'iat', 'jti']) {
    const outcome = read({ [claim]: undefined })
    assert.deepEqual(outcome, { ok: false, refusal: { reason: 'claim_missing', claim } })
  }
  assert.equal(reasonOf(read({ exp: undefined }, 'jwt')), 'claim_missing')
  for (const claim of ['sub', 'client_id', 'iat', 'jti']) assert.ok(read({ [claim]: undefined }, 'jwt').ok, claim)
})

test('AT-4: an empty sub, client_id or jti names nobody and is missing', () => {
  for (const claim of ['sub', 'client_id', 'jti']) assert.equal(reasonOf(read({ [claim]: '' })), 'claim_missing', claim)
})

test('RI-5: aud is one string or an array of strings, any other type is a malformed token', () => {
  assert.deepEqual(good({ aud: ['x', AUDIENCE] }).audience, ['x', AUDIENCE])
  for (const profile of PROFILES) {
    for (const aud of [5, true, {}, { 0: AUDIENCE, length: 1 }, [AUDIENCE, 5], [[AUDIENCE]], [null]]) {
      assert.equal(reasonOf(read({ aud }, profile)), 'token_malformed', JSON.stringify(aud))
    }
  }
})

test('RI-6: an absent, null or empty aud is no audience, for authorize to refuse', () => {
  for (const aud of [undefined, null, []]) assert.deepEqual(good({ aud }).audience, [])
})

test('RI-4: an audience is kept exactly as it was written', () => {
  for (const aud of ['', ' ', '*', `${AUDIENCE}/`, 'HTTPS://API.TEST:443/%7E', 'a,b', 'a b', 'e\u0301', '\u00e9']) {
    assert.deepEqual(good({ aud }).audience, [aud])
  }
})

test('JO-20: the numbers of audiences and of scopes are bounded', () => {
  const list = (count: number) => Array.from({ length: count }, (_, at) => `x${at}`)
  assert.equal(good({ aud: list(MAX_AUDIENCES) }).audience.length, MAX_AUDIENCES)
  assert.equal(reasonOf(read({ aud: list(MAX_AUDIENCES + 1) })), 'token_malformed')
  assert.equal(good({ scope: list(MAX_SCOPES).join(' ') }).scopes.length, MAX_SCOPES)
  assert.equal(reasonOf(read({ scope: list(MAX_SCOPES + 1).join(' ') })), 'token_malformed')
})

test('AT-10: dates are finite numbers in a sane range', () => {
  const bad = ['"123"', '1e400', '-1', '-1e400', 'null', '1e15', '1e11', `${NOW}000`, 'true', '[1]', '{}']
  for (const profile of PROFILES) {
    for (const claim of ['exp', 'nbf', 'iat']) {
      for (const value of bad) {
        const text = JSON.stringify(goodClaims({ [claim]: 'X' })).replace('"X"', value)
        assert.equal(reasonOf(read(text, profile)), 'token_malformed', `${claim} ${value}`)
      }
    }
  }
  for (const exp of [0, 0.5, 1_730_000_000.5, 99_999_999_999]) assert.equal(good({ exp }).dates.exp, exp)
})

test('a claim that names somebody is a string', () => {
  for (const claim of ['sub', 'client_id', 'jti']) {
    for (const value of [5, null, ['a'], {}, true]) {
      for (const profile of PROFILES) {
        assert.equal(
          reasonOf(read({ [claim]: value }, profile)),
          'token_malformed',
          `${claim} ${JSON.stringify(value)}`,
        )
      }
    }
  }
})

test('AT-12: scope is one string, split at SP and at nothing else', () => {
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    ['a b', ['a', 'b']],
    ['  a  b ', ['a', 'b']],
    ['', []],
    [undefined, []],
    [['a', 'b'], []],
    [['a b'], []],
    [{ a: true }, []],
    [5, []],
    [null, []],
    ['a,b', ['a,b']],
    ['a\tb', ['a\tb']],
    ['a\u00a0b', ['a\u00a0b']],
    ['a\u3000b', ['a\u3000b']],
    ['a\nb', ['a\nb']],
    ['A a \uff41', ['A', 'a', '\uff41']],
    ['a\u200b', ['a\u200b']],
  ]
  for (const [scope, expected] of cases) {
    for (const profile of PROFILES) assert.deepEqual(good({ scope }, profile).scopes, expected, JSON.stringify(scope))
  }
})

test('AT-12: scp counts only where the config maps it, as an array of whole scopes or a string', () => {
  const scp = { ...NO_OVERRIDES, scope: 'scp' }
  assert.deepEqual(good({ scope: undefined, scp: ['a', 'b'] }).scopes, [])
  assert.deepEqual(good({ scp: ['a', 'b c'] }, 'rfc9068', scp).scopes, ['a', 'b c'])
  assert.deepEqual(good({ scp: 'a b' }, 'jwt', scp).scopes, ['a', 'b'])
  assert.deepEqual(good({ scp: ['a', 5] }, 'rfc9068', scp).scopes, [])
  assert.deepEqual(good({ scope: 'only:here' }, 'rfc9068', scp).scopes, [])
})

test('a client_id override takes the place of client_id, also as what is required', () => {
  const azp = { ...NO_OVERRIDES, clientId: 'azp' }
  assert.equal(good({ client_id: undefined, azp: 'web' }, 'rfc9068', azp).client, 'web')
  assert.deepEqual(read({}, 'rfc9068', azp), { ok: false, refusal: { reason: 'claim_missing', claim: 'azp' } })
  assert.equal(reasonOf(read({ azp: 5 }, 'rfc9068', azp)), 'token_malformed')
  assert.equal(good({ client_id: 'cli' }, 'jwt', azp).client, '')
})

test('CN-1: cnf gives the names of its methods and what it binds to, an empty one too; another type is malformed', () => {
  const bound = (methods: readonly string[], jkt?: string, certificate?: string) => ({ methods, jkt, certificate })
  const cases: readonly (readonly [Record<string, unknown>, ReturnType<typeof bound>])[] = [
    [{ jkt: 'x', 'x5t#S256': 'y' }, bound(['jkt', 'x5t#S256'], 'x', 'y')],
    [{ jkt: 'x' }, bound(['jkt'], 'x')],
    [{ 'x5t#S256': 'y' }, bound(['x5t#S256'], undefined, 'y')],
    [{ unknown: 1 }, bound(['unknown'])],
    [{ jwk: {}, kid: 'k' }, bound(['jwk', 'kid'])],
    [{}, bound([])],
    // Bound to what nobody can have: not unbound.
    [{ jkt: '', 'x5t#S256': '' }, bound(['jkt', 'x5t#S256'], '', '')],
  ]
  for (const [cnf, expected] of cases) assert.deepEqual(good({ cnf }).confirmation, expected, JSON.stringify(cnf))
  for (const cnf of ['jkt', null, 5, [], [{ jkt: 'x' }], true]) {
    assert.equal(reasonOf(read({ cnf })), 'token_malformed', JSON.stringify(cnf))
  }
  for (const member of ['jkt', 'x5t#S256']) {
    for (const value of [null, 5, true, ['x'], { x: 1 }]) {
      assert.equal(
        reasonOf(read({ cnf: { [member]: value } })),
        'token_malformed',
        `${member} ${JSON.stringify(value)}`,
      )
    }
  }
})

test('SU-3: auth_time that is no date and acr that is no string say nothing, and refuse nobody', () => {
  assert.equal(good({ auth_time: NOW - 5.5 }).authTime, NOW - 5.5)
  assert.equal(good({ acr: 'urn:gold' }).acr, 'urn:gold')
  for (const value of [null, true, {}, [NOW], -1, 1e12]) {
    assert.equal(good({ auth_time: value }).authTime, undefined, JSON.stringify(value))
    assert.equal(good({ acr: value }).acr, undefined, JSON.stringify(value))
  }
  assert.equal(good({ auth_time: String(NOW) }).authTime, undefined)
  const text = JSON.stringify(goodClaims({ auth_time: 'X' })).replace('"X"', '1e400')
  assert.equal(good(text).authTime, undefined)
})

test('RA-1: authorization_details is an array of objects, and of no more than a bounded number', () => {
  const element = { type: 'payment', actions: ['initiate'], locations: [AUDIENCE], amount: { value: 5 } }
  const { authorizationDetails } = good({ authorization_details: [element, {}] })
  assert.deepEqual(
    authorizationDetails.map((detail) => ({ ...detail })),
    [element, {}],
  )
  assert.deepEqual(good({ authorization_details: [] }).authorizationDetails, [])
  for (const value of ['[]', null, 5, true, {}, element, ['payment'], [element, null], [[element]], [5]]) {
    assert.equal(reasonOf(read({ authorization_details: value })), 'token_malformed', JSON.stringify(value))
  }
  const list = (length: number) => Array.from({ length }, () => ({ type: 'x' }))
  assert.equal(good({ authorization_details: list(MAX_DETAILS) }).authorizationDetails.length, MAX_DETAILS)
  assert.equal(reasonOf(read({ authorization_details: list(MAX_DETAILS + 1) })), 'token_malformed')
})

test('JO-28: members of cnf and of authorization_details through __proto__ are names like any other', () => {
  const raw = JSON.stringify(goodClaims({ cnf: 'C', authorization_details: 'D' }))
    .replace('"C"', '{"__proto__":{"jkt":"x","x5t#S256":"y"}}')
    .replace('"D"', '[{"__proto__":{"type":"payment"}}]')
  const { confirmation, authorizationDetails } = good(raw)
  assert.deepEqual(confirmation, { methods: ['__proto__'], jkt: undefined, certificate: undefined })
  assert.equal(authorizationDetails[0]?.type, undefined)
  assert.equal(authorizationDetails[0]?.constructor, undefined)
})

test('a scope that two claims of a profile name is one scope', () => {
  assert.deepEqual(good({ azp: 'web', scope: 'a b a', permissions: ['b', 'c'] }, 'auth0').scopes, ['a', 'b', 'c'])
})

test('of the claims that may name the client the first that names somebody does', () => {
  assert.equal(good({ azp: 'a', client_id: 'b' }, 'auth0').client, 'a')
  assert.equal(good({ azp: '', client_id: 'b' }, 'auth0').client, 'b')
  assert.deepEqual(read({ azp: '', client_id: '' }, 'auth0'), {
    ok: false,
    refusal: { reason: 'claim_missing', claim: 'azp' },
  })
})

test('RI-6: the identifiers before the scopes are the audience only where the profile says so and aud is absent', () => {
  const scope = `openid ${AUDIENCE}/orders:read urn:x/y urn:x/z`
  const byAudience = new Map([
    [AUDIENCE, ['orders:read']],
    ['urn:x', ['y', 'z']],
  ])
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    [undefined, [AUDIENCE, 'urn:x']],
    ['urn:other', ['urn:other']],
    [[], []],
    [null, []],
  ]
  for (const [aud, audience] of cases) {
    const token = good({ aud, scope }, 'cognito')
    assert.deepEqual([token.audience, token.scopes], [audience, ['openid']], JSON.stringify(aud))
    assert.deepEqual(token.scopesByAudience, byAudience)
    const plain = good({ aud, scope })
    assert.deepEqual([plain.scopes, plain.scopesByAudience], [scope.split(' '), undefined])
  }
  assert.deepEqual(good({ aud: undefined, scope }, 'jwt').audience, [])
})

test('JO-20: the number of audiences is bounded, also of those that stand before scopes', () => {
  const scope = (count: number) => Array.from({ length: count }, (_, at) => `urn:${at}/x`).join(' ')
  assert.equal(good({ aud: undefined, scope: scope(MAX_AUDIENCES) }, 'cognito').audience.length, MAX_AUDIENCES)
  assert.equal(reasonOf(read({ aud: undefined, scope: scope(MAX_AUDIENCES + 1) }, 'cognito')), 'token_malformed')
})

test('JO-28: claims through __proto__ and constructor say nothing', () => {
  const hidden = '{"scope":"admin","sub":"root","aud":"x","client_id":"x","exp":1,"iat":1,"jti":"x","cnf":{"jkt":"x"}}'
  for (const wrap of [`{"__proto__":${hidden}}`, `{"constructor":{"prototype":${hidden}}}`]) {
    assert.deepEqual(read(wrap), { ok: false, refusal: { reason: 'claim_missing', claim: 'exp' } })
    const text = `${wrap.slice(0, -1)},"exp":${NOW}}`
    assert.deepEqual(good(text, 'jwt').scopes, [])
    assert.deepEqual(good(text, 'jwt').audience, [])
  }
})
