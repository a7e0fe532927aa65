import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTargetedCacheField, personalCacheControl, unstoredCacheControl } from '../../src/upstream/cache-control.ts'
import { assertInProportion } from '../support/cost-ratio.ts'

test('CA-2: what lets a shared cache give an answer to others becomes `private`, and the rest keeps its order', () => {
  for (const [sent, expected] of [
    ['public', 'private'],
    ['public, max-age=600', 'max-age=600, private'],
    ['PUBLIC ,\tMax-Age=600', 'Max-Age=600, private'],
    ['max-age=60, s-maxage=600', 'max-age=60, private'],
    ['max-age=60, S-MaxAge="10"', 'max-age=60, private'],
    ['s-maxage = 10, immutable', 'immutable, private'],
    ['s-maxage', 'private'],
    ['must-revalidate', 'must-revalidate, private'],
    ['no-cache, must-revalidate', 'no-cache, must-revalidate, private'],
    ['max-age=1, public, must-revalidate, x=1', 'max-age=1, must-revalidate, x=1, private'],
    ['x="a, b", public, y="c\\", public"', 'x="a, b", y="c\\", public", private'],
    [',, public ,,', 'private'],
    // Not written as the grammar says, and yet read by some.
    ['public; max-age=600', 'private'],
    ['max-age=600; public', 'max-age=600; public, private'],
    ['public=1', 'private'],
    ['x="public"', 'x="public", private'],
    ['"public"', '"public", private'],
    // `private` with an argument is about those fields alone, and `must-understand` takes `no-store` back.
    ['public, private="set-cookie"', 'private="set-cookie", private'],
    ['must-understand, no-store, public', 'must-understand, no-store, private'],
    ['must-revalidate, no-store=1', 'must-revalidate, no-store=1, private'],
    // These are for nobody else already; what contradicts them goes all the same.
    ['private, public, max-age=1', 'private, max-age=1'],
    ['no-store, s-maxage=600', 'no-store'],
    // A quote that does not close.
    ['public, x="a', 'no-store'],
    ['x="a\\", public', 'no-store'],
    ['x="a" y", public', 'no-store'],
  ] as const) {
    assert.equal(personalCacheControl(sent), expected, sent)
  }
})

test('CA-2: what no shared cache would keep stays as it is, to the octet', () => {
  for (const sent of [
    '',
    'max-age=600',
    'private',
    'private , max-age = 600',
    'PRIVATE,MUST-REVALIDATE',
    'no-store',
    'no-cache, no-store,must-revalidate',
    'No-Store, must-revalidate',
    'no-cache',
    'proxy-revalidate',
    'max-age=0,, x="a, b"',
    'max-age=600, x="a',
  ]) {
    assert.equal(personalCacheControl(sent), sent)
  }
})

test('CA-3: nothing is stored, nothing stored is asked for, and what else the client said goes on', () => {
  for (const [sent, expected] of [
    ['', 'no-store'],
    ['no-store', 'no-store'],
    ['no-cache', 'no-store, no-cache'],
    ['only-if-cached', 'no-store'],
    ['max-stale', 'no-store'],
    ['Max-Stale=60, max-age=0, ONLY-IF-CACHED, min-fresh=1', 'no-store, max-age=0, min-fresh=1'],
    ['stale-if-error=60, no-transform', 'no-store, no-transform'],
    ['only-if-cached; x, y="a, b"', 'no-store, y="a, b"'],
    ['x="only-if-cached', 'no-store'],
  ] as const) {
    assert.equal(unstoredCacheControl(sent), expected, sent)
  }
})

test('CA-2: fields for one kind of cache are told from all others', () => {
  for (const name of [
    'cdn-cache-control',
    'cloudflare-cdn-cache-control',
    'vercel-cdn-cache-control',
    'netlify-cdn-cache-control',
    'akamai-cache-control',
    'surrogate-control',
    'edge-control',
    'x-accel-expires',
  ]) {
    assert.ok(isTargetedCacheField(name), name)
  }
  for (const name of [
    'cache-control',
    'cache-status',
    'surrogate-key',
    'cdn-cache-control-x',
    'x-control',
    'expires',
  ]) {
    assert.ok(!isTargetedCacheField(name), name)
  }
})

test('anything costs no more than its length', () => {
  const hostile: readonly ((octets: number) => string)[] = [
    (octets) => 'public,'.repeat(octets / 7),
    (octets) => `public, x="${'\\"'.repeat(octets / 2)}`,
    (octets) => `public${' '.repeat(octets)}x`,
    (octets) => `public, ${'"a"'.repeat(octets / 3)}"`,
  ]
  for (const make of hostile) {
    assertInProportion(make(8), 32_768, (octets) => {
      const field = make(octets)
      return () => [personalCacheControl(field), unstoredCacheControl(field)]
    })
  }
})
