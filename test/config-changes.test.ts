import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesOf, shortened } from '../src/config-changes.ts'
import { certificateFiles } from './support/certificate-files.ts'
import { configOf } from './support/gateway.ts'
import { issue } from './support/tls.ts'

const issuer = (name: string, more: object = {}) => ({ issuer: `https://${name}.test`, ...more })
const api = (name: string, more: object = {}) => ({
  resource: `https://api.test/${name}`,
  name,
  issuers: ['a'],
  ...more,
})

interface Parts {
  readonly issuers?: Readonly<Record<string, unknown>>
  readonly upstreams?: readonly object[]
  readonly [section: string]: unknown
}

const config = ({ issuers = { a: issuer('a') }, upstreams = [api('x')], ...sections }: Parts) =>
  configOf(
    Object.entries({ ...sections, issuers, upstreams: { 'https://up.test': upstreams } })
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
      .join(''),
  )

for (const { what, before = {}, next, added = [], removed = [], changed = [] } of [
  { what: 'nothing', next: {} },
  { what: 'an issuer more', next: { issuers: { a: issuer('a'), b: issuer('b') } }, added: ['issuer b'] },
  { what: 'an issuer less', before: { issuers: { a: issuer('a'), b: issuer('b') } }, next: {}, removed: ['issuer b'] },
  {
    what: 'an issuer that is another',
    next: { issuers: { a: issuer('a', { clock_tolerance: '1s' }) } },
    changed: ['issuer a'],
  },
  { what: 'an API before the others', next: { upstreams: [api('y'), api('x')] }, added: ['upstream y'] },
  { what: 'an API less', before: { upstreams: [api('y'), api('x')] }, next: {}, removed: ['upstream y'] },
  { what: 'another order', before: { upstreams: [api('y'), api('x')] }, next: { upstreams: [api('x'), api('y')] } },
  { what: 'another rule', next: { upstreams: [api('x', { routes: { '/**': 'public' } })] }, changed: ['upstream x'] },
  { what: 'another timeout', next: { upstreams: [api('x', { timeouts: { idle: '9s' } })] }, changed: ['upstream x'] },
  {
    what: 'other sections',
    next: { refusals: { expose_reason: false }, listen: { require_https: true } },
    changed: ['listen', 'refusals'],
  },
] satisfies readonly {
  what: string
  before?: Parts
  next: Parts
  added?: string[]
  removed?: string[]
  changed?: string[]
}[]) {
  test(`what is different is told by name: ${what}`, () => {
    const { files: _, ...changes } = changesOf(config(before), config(next))
    assert.deepEqual(changes, { added, removed, changed })
  })
}

test('a certificate that was renewed changes its upstream, and the file is told', (t) => {
  const files = certificateFiles(t)
  const tls = files.identity('own', issue('one'))
  const [before, same] = [
    config({ upstreams: [api('x', { tls }), api('y')] }),
    config({ upstreams: [api('x', { tls }), api('y')] }),
  ]
  assert.equal(changesOf(before, same).files.size, 0)
  files.identity('own', issue('two'))
  const { changed, files: told } = changesOf(before, config({ upstreams: [api('x', { tls }), api('y')] }))
  assert.deepEqual(changed, ['upstream x'])
  assert.deepEqual([...told].toSorted(), [tls.certificate, tls.key])
})

test('many names are a few and a number', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `upstream ${index}`)
  assert.deepEqual(shortened(names.slice(0, 20)), names.slice(0, 20))
  assert.deepEqual(shortened(names), [...names.slice(0, 20), 'and 9980 more'])
})
