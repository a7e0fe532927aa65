import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formOf, readCompact } from '../../src/token/compact.ts'
import { assertInProportion } from '../support/cost-ratio.ts'
import { base64url, createKey, mint } from '../support/tokens.ts'
import { reasonOf } from '../support/verifying.ts'

const key = createKey('ES256', 'es1')
const good = mint({ key })
const [header = '', payload = '', signature = ''] = good.split('.')

test('JO-17: the number of dots says what a credential is, and nothing else does', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['a good token', good, 'signed'],
    ['an opaque word', 'abcdef', 'opaque'],
    ['nothing', '', 'opaque'],
    ['two parts', `${header}.${payload}`, 'opaque'],
    ['a leading dot more', `.${good}`, 'opaque'],
    ['a trailing dot more', `${good}.`, 'opaque'],
    ['the signature twice', `${good}.${signature}`, 'opaque'],
    ['six parts', `${good}.${good}`, 'opaque'],
    ['JSON serialisation', JSON.stringify({ protected: header, payload, signature }), 'opaque'],
    ['SD-JWT with disclosures', `${good}~WyJhIiwiYiJd~`, 'signed'],
    ['PASETO', 'v4.public.eyJzdWIiOiJhIn0', 'signed'],
    ['two dots alone', '..', 'signed'],
    ['an empty signature', `${header}.${payload}.`, 'signed'],
    ['four dots alone', '....', 'encrypted'],
    ['five parts', `${header}.a.a.a.a`, 'encrypted'],
    ['a space among five parts', `${header}.a.a .a.a`, 'encrypted'],
  ]
  for (const [name, token, form] of cases) assert.equal(formOf(token), form, name)
})

test('JO-14: only three canonical parts are a JWS', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['a good token', good, 'none'],
    ['SD-JWT with disclosures', `${good}~WyJhIiwiYiJd~`, 'token_malformed'],
    ['PASETO', 'v4.public.eyJzdWIiOiJhIn0', 'token_malformed'],
    ['two dots alone', '..', 'token_malformed'],
    ['an empty header', `.${payload}.${signature}`, 'token_malformed'],
    ['an empty payload', `${header}..${signature}`, 'token_malformed'],
    ['an empty signature', `${header}.${payload}.`, 'none'],
  ]
  for (const [name, token, reason] of cases) assert.equal(reasonOf(readCompact(token)), reason, name)
})

test('JO-14, JO-15: no character outside the alphabet, wherever it stands', () => {
  const strange = [
    '=',
    '==',
    '+',
    '/',
    '~',
    ' ',
    '\t',
    '\n',
    '\r',
    '\0',
    '%2E',
    '{',
    '"',
    'é',
    'ａ',
    '\u2028',
    '\ud800',
  ]
  for (const character of strange) {
    for (const token of [
      `${header}${character}.${payload}.${signature}`,
      `${header}.${payload}${character}.${signature}`,
      `${good}${character}`,
      `${character}${good}`,
      `${good.slice(0, -9)}${character}${good.slice(-9)}`,
    ]) {
      assert.equal(reasonOf(readCompact(token)), 'token_malformed', JSON.stringify(character))
    }
  }
})

test('JO-16: of the spellings of the same bytes one passes, in every part', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const bytes = (part: string): string => Buffer.from(part, 'base64url').toString('hex')
  let twins = 0
  for (const pad of ['', ' ', '  ']) {
    const parts = [base64url(`{"alg":"ES256"${pad}}`), base64url(`{"iss":"x"${pad}}`), base64url(`signature${pad}`)]
    for (const [at, part] of parts.entries()) {
      for (const last of alphabet) {
        const twin = part.slice(0, -1) + last
        if (bytes(twin) !== bytes(part)) continue
        const token = parts.with(at, twin).join('.')
        assert.equal(reasonOf(readCompact(token)), twin === part ? 'none' : 'token_malformed')
        if (twin !== part) twins++
      }
    }
  }
  assert.ok(twins > 20)
})

test('JO-15: a part of a length that no bytes have is refused', () => {
  for (const part of ['A', 'AAAAA']) {
    assert.equal(reasonOf(readCompact(`${header}.${payload}.${part}`)), 'token_malformed')
  }
})

test('JO-18: header and claims are JSON objects, and the fault says which is not', () => {
  const parts = { header: base64url('{"alg":"ES256"}'), claims: base64url('{"iss":"x"}') }
  for (const part of ['header', 'claims'] as const) {
    for (const text of ['[]', 'null', '"x"', '5', '', '\ufeff{}', '{"a":1,"a":2}', '{,}']) {
      const changed = { ...parts, [part]: base64url(text) }
      const outcome = readCompact(`${changed.header}.${changed.claims}.AAAA`)
      assert.ok(!outcome.ok && outcome.refusal.reason === 'token_malformed', text)
      assert.ok(outcome.refusal.fault.startsWith(`${part}: `), outcome.refusal.fault)
    }
  }
})

test('dots, and as many parts, cost no more than their number', () => {
  for (const part of ['.', 'a.']) {
    assertInProportion(part, 65_536, (dots) => {
      const token = part.repeat(dots)
      return () => assert.equal(formOf(token), 'opaque')
    })
  }
})

test('what passes is the one spelling of its parts', () => {
  const member = fc.oneof(fc.string(), fc.integer(), fc.boolean())
  fc.assert(
    fc.property(fc.dictionary(fc.string(), member), fc.uint8Array({ maxLength: 70 }), (claims, bytes) => {
      const token = `${base64url('{"alg":"ES256"}')}.${base64url(JSON.stringify(claims))}.${base64url(bytes)}`
      assert.ok(readCompact(token).ok)
      assert.equal(
        token,
        token
          .split('.')
          .map((part) => base64url(Buffer.from(part, 'base64url')))
          .join('.'),
      )
    }),
  )
})

test('random strings never throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof readCompact(text).ok === 'boolean'))
  const part = fc.string({ unit: fc.constantFrom(...'AZaz09-_'), maxLength: 20 })
  fc.assert(fc.property(part, part, part, (a, b, c) => typeof readCompact(`${a}.${b}.${c}`).ok === 'boolean'))
})
