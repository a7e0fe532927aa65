import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { type SpiedStage, startSpied } from '../support/spy.ts'

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** What arrives of the two fields. */
const sent = async (stage: SpiedStage, lines: readonly string[], path = '/orders/1') => {
  await sendRaw(stage.port, requestBytes([`GET ${path} HTTP/1.1`, 'Host: a', stage.authorization, ...lines]), {
    until: wholeAnswer,
  })
  const seen = stage.spy.requests.at(-1) ?? assert.fail('nothing arrived')
  return { traceparent: seen.values('traceparent'), tracestate: seen.values('tracestate'), seen }
}

const context = (traceparent: readonly string[], tracestate: readonly string[] = []) => ({ traceparent, tracestate })

test('TC-1, TC-2, TC-3, TC-4, TC-5: a valid context goes on unchanged, an invalid one not at all', async (t) => {
  const stage = await startSpied(t)
  const long = Array.from({ length: 6 }, (_, i) => `vendor${i}=${'x'.repeat(90)}`).join(',')
  for (const [lines, expected] of [
    [[], context([])],
    [[`traceparent: ${parent}`], context([parent])],
    [[`TraceParent:\t ${parent} \t`, 'TRACESTATE: a=1 ,b=2'], context([parent], ['a=1 ,b=2'])],
    [
      ['tracestate: a=1', `traceparent: ${parent}`, 'tracestate:', 'tracestate: b=2'],
      context([parent], ['a=1, , b=2']),
    ],
    [[`traceparent: ${parent}`, `tracestate: ${long}`], context([parent], [long])],
    [[`traceparent: ${parent}`, 'tracestate: A=1'], context([parent])],
    [[`traceparent: ${parent}`, 'tracestate: a=1', 'tracestate: a=2'], context([parent])],
    [[`traceparent: ${parent}`, `traceparent: ${parent}`, 'tracestate: a=1'], context([])],
    [[`traceparent: ${parent.toUpperCase()}`, 'tracestate: a=1'], context([])],
    [[`traceparent: ff${parent.slice(2)}`, 'tracestate: a=1'], context([])],
    [['tracestate: a=1'], context([])],
    [[`trace-parent: ${parent}`], context([])],
    [[`Connection: traceparent`, `traceparent: ${parent}`], context([])],
  ] as const) {
    const { traceparent, tracestate } = await sent(stage, lines)
    assert.deepEqual({ traceparent, tracestate }, expected, `${lines}`)
  }
})

test('TC-1: on a public route as well, and beside `baggage`, which is no part of it', async (t) => {
  const stage = await startSpied(t, { entry: { routes: { '/**': 'public' } } })
  const { traceparent, seen } = await sent(stage, [`traceparent: ${parent}`, 'baggage: a=1'])
  assert.deepEqual(traceparent, [parent])
  assert.deepEqual(seen.values('baggage'), ['a=1'])
})

const begun = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-02$/

test('TC-6: with `restart` each request of a stranger begins a trace, and says nothing of the stranger’s', async (t) => {
  const stage = await startSpied(t, { extra: 'trace_context: restart\n' })
  const traces = new Set<string>()
  for (const lines of [[`traceparent: ${parent}`, 'tracestate: a=1'], [], ['traceparent: x', 'tracestate: a=1']]) {
    const { traceparent, tracestate } = await sent(stage, lines)
    const [only = ''] = traceparent
    assert.match(only, begun)
    assert.deepEqual(context(traceparent, tracestate), context([only]))
    traces.add(only.slice(3, 35))
  }
  assert.equal(traces.size, 3)
  assert.ok(!traces.has(parent.slice(3, 35)))
})

test('TC-6: with `restart` the context of a trusted proxy goes on', async (t) => {
  const stage = await startSpied(t, { extra: 'trace_context: restart\n', listen: { trusted_proxies: ['127.0.0.1'] } })
  const { traceparent, tracestate } = await sent(stage, [`traceparent: ${parent}`, 'tracestate: a=1'])
  assert.deepEqual({ traceparent, tracestate }, context([parent], ['a=1']))
})
