import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePlace } from '../../src/decision/place.ts'

const relaxed = { encodedSlashes: true, parameters: true }

test('RT-1: an http(s) URI is its host on any port and scheme, a bare path is any host, and `/` is the root', () => {
  assert.deepEqual(parsePlace('https://API.test:8443/a/', relaxed), {
    ok: true,
    place: { host: 'api.test', path: '/a/' },
  })
  assert.deepEqual(parsePlace('http://api.test/?x=1', relaxed), { ok: true, place: { host: 'api.test', path: '' } })
  assert.deepEqual(parsePlace('/a', relaxed), { ok: true, place: { host: undefined, path: '/a' } })
})

for (const text of ['https://h/a;b', '/a%3Bb', '/a//b', 'https://h/../x', 'urn:x', 'https://a b/', 'https://user@h/']) {
  test(`RT-8, UR-10: ${text} is no place that a request can match, whatever \`paths\` says`, () => {
    assert.equal(parsePlace(text, relaxed).ok, false)
  })
}
