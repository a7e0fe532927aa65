import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createTrace } from '../../src/http/trace-context.ts'
import { assertInProportion } from '../support/cost-ratio.ts'

const ids = '12345678901234567890123456789012-1234567890123456'
const parent = `00-${ids}-01`

/** Octets that count on, so that what was made shows where it came from; over again from 1 after `period`. */
const counting =
  (period: number) =>
  (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, (_, i) => (i % period) + 1))

const head = (traceparent: readonly string[], tracestate = '', nominated?: ReadonlySet<string>) => ({
  traceparent,
  tracestate,
  nominated,
})
const propagate = createTrace('propagate', () => assert.fail('nothing begins here'))
const sent = (traceparent: string, tracestate = ''): readonly string[] =>
  propagate(head([traceparent], tracestate), false)

test('TC-1, TC-2, TC-7: a valid traceparent goes on as it came, flags and all, and its tracestate with it', () => {
  for (const valid of [
    parent,
    `00-${ids}-00`,
    `00-${ids}-03`,
    `00-${ids}-ff`,
    '00-abcdefabcdefabcdefabcdefabcdefab-00000000000000ab-02',
    // A later version may be longer, behind a dash.
    `cc-${ids}-01`,
    `01-${ids}-01-`,
    `fe-${ids}-01-what-the-future-will-be-like`,
  ]) {
    assert.deepEqual(sent(valid), ['traceparent', valid])
    assert.deepEqual(sent(valid, 'foo=1'), ['traceparent', valid, 'tracestate', 'foo=1'])
  }
  assert.deepEqual(propagate(head([]), false), [])
})

test('TC-3: an invalid or repeated traceparent is discarded, and its tracestate with it', () => {
  for (const invalid of [
    '',
    '00',
    '-',
    `00-${ids}`,
    `00-${ids}-`,
    `00-${ids}-1`,
    `00-${ids}-001`,
    `00-${ids}-.0`,
    `00-${ids}-0.`,
    `00-${ids}-01.`,
    `00-${ids}-01-`,
    `00-${ids}-01-what-the-future-will-be-like`,
    `cc-${ids}-01.what-the-future-will-be-like`,
    `cc-${ids}-01-caf\xe9`,
    `cc-${ids}-1`,
    `ff-${ids}-01`,
    `FE-${ids}-01`,
    `.0-${ids}-01`,
    `0.-${ids}-01`,
    `0-${ids}-01`,
    `000-${ids}-01`,
    `0000-${ids}-01`,
    '00-00000000000000000000000000000000-1234567890123456-01',
    '00-12345678901234567890123456789012-0000000000000000-01',
    'cc-00000000000000000000000000000000-1234567890123456-01',
    '00-.2345678901234567890123456789012-1234567890123456-01',
    '00-1234567890123456789012345678901.-1234567890123456-01',
    '00-ABCDEFABCDEFABCDEFABCDEFABCDEFAB-1234567890123456-01',
    '00-12345678901234567890123456789012-ABCDEF7890123456-01',
    '00-12345678901234567890123456789012-.234567890123456-01',
    '00-12345678901234567890123456789012-123456789012345.-01',
    '00-123456789012345678901234567890123-1234567890123456-01',
    '00-1234567890123456789012345678901-1234567890123456-01',
    '00-12345678901234567890123456789012-12345678901234567-01',
    '00-12345678901234567890123456789012-123456789012345-01',
    `00-${ids}-0A`,
    ` ${parent}`,
    `${parent} `,
    `${parent}, ${parent}`,
    parent.replaceAll('-', '_'),
  ]) {
    assert.deepEqual(sent(invalid, 'foo=1'), [], invalid)
  }
  assert.deepEqual(propagate(head([parent, parent], 'foo=1'), true), [])
})

test('TC-4: a tracestate without a traceparent is discarded', () => {
  assert.deepEqual(propagate(head([], 'foo=1'), true), [])
})

const members = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=${i}`).join(',')
const characters = '!"#$%&\'()*+-./0123456789:;<>?@ABCXYZ[\\]^_`abcxyz{|}~'

test('TC-2, TC-5: a valid tracestate is not touched, however it is spaced and however long it is', () => {
  for (const valid of [
    'foo=1',
    'foo=1,bar=2',
    'foo=1 \t , \t bar=2, \t baz=3',
    'foo=1, , ,bar=2,',
    ',foo=1',
    'foo= 1',
    'foo=a b',
    `foo=${characters}`,
    'abcdefghijklmnopqrstuvwxyz0123456789_-*/@=1',
    '0=1',
    `${'z'.repeat(256)}=1`,
    `foo=${'v'.repeat(256)}`,
    members(32),
    // 600 characters, and all that the grammar allows.
    `a=${'x'.repeat(256)},b=${'y'.repeat(256)},c=${'z'.repeat(80)}`,
    Array.from({ length: 32 }, (_, i) => `${'k'.repeat(250)}${i + 100}=${'v'.repeat(256)}`).join(','),
  ]) {
    assert.deepEqual(sent(parent, valid), ['traceparent', parent, 'tracestate', valid])
  }
})

test('TC-5: a tracestate that breaks the grammar goes alone', () => {
  for (const invalid of [
    'foo',
    'foo=',
    '=1',
    'foo=1=2',
    'foo =1',
    'FOO=1',
    'foo.bar=1',
    '@foo=1,bar=2',
    '_foo=1',
    'foo=1;bar=2 ,x',
    'foo=a\tb',
    'foo=caf\xe9',
    'foo=1\xa0',
    'foo=1,foo=1',
    'foo=1, bar=2, foo=2',
    `${'z'.repeat(257)}=1`,
    `foo=${'v'.repeat(257)}`,
    members(33),
    ',',
    ' ',
  ]) {
    assert.deepEqual(sent(parent, invalid), ['traceparent', parent], invalid)
  }
})

test('HS-1: what `Connection` names is for this hop', () => {
  assert.deepEqual(propagate(head([parent], 'foo=1', new Set(['tracestate'])), false), ['traceparent', parent])
  assert.deepEqual(propagate(head([parent], 'foo=1', new Set(['traceparent'])), false), [])
})

test('TC-6: a stranger’s trace is replaced by one that begins here, not sampled; a trusted proxy’s goes on', () => {
  const restart = createTrace('restart', counting(24))
  const begun = '00-0102030405060708090a0b0c0d0e0f10-1112131415161718-02'
  for (const received of [head([parent], 'foo=1'), head([]), head([parent, parent]), head(['x'])]) {
    assert.deepEqual(restart(received, false), ['traceparent', begun])
  }
  assert.deepEqual(restart(head([parent], 'foo=1'), true), ['traceparent', parent, 'tracestate', 'foo=1'])
  assert.deepEqual(restart(head([]), true), [])
  assert.deepEqual(sent(begun), ['traceparent', begun])
})

test('TC-6: no two of the traces that begin here are one', () => {
  const restart = createTrace('restart', randomBytes)
  const begun = Array.from({ length: 300 }, () => restart(head([]), false)[1] ?? '')
  for (const part of [1, 2]) assert.equal(new Set(begun.map((value) => value.split('-')[part])).size, 300)
  for (const value of begun) assert.match(value, /^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/)
})

test('anything costs no more than its length', () => {
  const hostile: readonly ((octets: number) => string)[] = [
    (octets) => `foo=a${' '.repeat(octets)}b`,
    (octets) => ','.repeat(octets),
    (octets) => `foo=1${', '.repeat(octets / 2)}`,
    (octets) => members(octets / 8),
    (octets) => `foo=${' '.repeat(octets)}`,
  ]
  for (const make of hostile) {
    assertInProportion(make(8), 32_768, (octets) => {
      const state = make(octets)
      return () => sent(parent, state)
    })
  }
})
