import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTarget } from '../../src/decision/target.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpy } from '../support/spy.ts'

const segment = fc.string({
  unit: fc.constantFrom(..."abcXYZ019-._~!$&'()*+,=:@", '%C3%A9', '%20', '%3f', '%23', '%25', '..', '%2F', ';x=1'),
  minLength: 0,
  maxLength: 6,
})
const query = fc.option(
  fc.string({ unit: fc.constantFrom(...'abc&=?/.%;+[]|\\', '/../', '%2e', '//', '%zz'), maxLength: 12 }),
  { nil: undefined },
)
const suffix = fc
  .tuple(fc.array(segment, { maxLength: 5 }), fc.boolean(), query)
  .map(
    ([parts, slash, given]) =>
      `${parts.map((part) => `/${part}`).join('')}${slash ? '/' : ''}${given === undefined ? '' : `?${given}`}`,
  )

test('RT-6, UR-18, UR-19, UR-20, HS-18: an accepted target reaches the upstream as base path and suffix, byte for byte', async (t) => {
  const spy = await startSpy(t)
  const places = [
    { at: '/any', base: '' },
    { at: '/with/base', base: '/v1' },
    { at: '/deep', base: '/a/b%20c/d' },
  ] as const
  const map = Object.fromEntries(
    places.map(({ at, base }) => [
      `${spy.url}${base}`,
      { resource: `https://api.test${at}`, at, paths: { encoded_slashes: 'pass', parameters: 'pass' } },
    ]),
  )
  const { port } = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`)
  const tokens = new Map(places.map(({ at }) => [at, liveToken({ aud: `https://api.test${at}` })]))
  let passed = 0
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), suffix, async ({ at, base }, tail) => {
      const target = at + tail
      const before = spy.requests.length
      const { status, text } = await sendRaw(
        port,
        requestBytes([`GET ${target} HTTP/1.1`, 'Host: api.test', `Authorization: Bearer ${tokens.get(at)}`]),
        { until: wholeAnswer },
      )
      const seen = spy.requests.slice(before).map(({ line }) => line)
      const parsed = parseTarget('GET', target, 0)
      if (!parsed.ok) {
        assert.deepEqual([status, seen], [400, []], target)
        return
      }
      const rest = parsed.value.path.slice(at.length)
      if (rest !== '' && !rest.startsWith('/')) {
        assert.deepEqual([status, seen], [404, []], target)
        return
      }
      const path = rest === '' && base === '' ? '/' : base + rest
      assert.equal(status, 200, `${target} ${text}`)
      assert.deepEqual(seen, [`GET ${path}${parsed.value.query} HTTP/1.1`])
      passed++
    }),
    { numRuns: 600 },
  )
  assert.ok(passed > 100, `${passed} of 600 were forwarded`)
})
