import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkIndicator, indicatorWarnings, isHttpIndicator } from '../../src/decision/indicator.ts'

const refused: readonly (readonly [string, string])[] = [
  ['RI-1', ''],
  ['RI-1', 'api.example.com'],
  ['RI-1', '/app'],
  ['RI-1', '//host/path'],
  ['RI-1', 'api.example.com:443'],
  ['RI-1', 'localhost:3000/x'],
  ['RI-1', '*'],
  ['RI-1', 'https:'],
  ['RI-1', 'https://'],
  ['RI-1', 'https:///path'],
  ['RI-1', 'https://h/a b'],
  ['RI-1', 'https://h/%zz'],
  ['RI-1', 'https://h/é'],
  ['RI-2', 'https://a/x#'],
  ['RI-2', 'https://a/x#f'],
  ['RI-2', 'urn:x#'],
  ['UR-17', 'https://user@a/x'],
]
for (const [id, text] of refused) {
  test(`${id}: ${JSON.stringify(text)} is no resource indicator`, () =>
    assert.equal(typeof checkIndicator(text), 'string'))
}

for (const text of [
  'https://api.example.com',
  'https://h/',
  'https://h:8443/a?b=c',
  'urn:example:orders',
  'api://orders',
  'http://127.0.0.1/x',
]) {
  test(`RI-1: ${text} is a resource indicator`, () => assert.equal(checkIndicator(text), undefined))
}

test('RI-3: a query is warned about', () => {
  assert.equal(indicatorWarnings('https://a/x?tenant=1').length, 1)
  assert.deepEqual(indicatorWarnings('https://a/x'), [])
})

test('RI-7: a bare origin is warned about, and its twin named', () => {
  assert.match(indicatorWarnings('https://api.logto.io')[0] ?? '', /`https:\/\/api\.logto\.io\/`/)
  assert.match(indicatorWarnings('https://api.logto.io/')[0] ?? '', /`https:\/\/api\.logto\.io`/)
})

test('RI-16: only http(s) indicators have a place of their own', () => {
  assert.equal(isHttpIndicator('https://h'), true)
  assert.equal(isHttpIndicator('urn:x'), false)
})
