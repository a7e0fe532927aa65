import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findMetadata } from '../../src/decision/match.ts'
import { renderMetadata } from '../../src/decision/metadata.ts'
import { policy } from '../support/policy.ts'

const render = (indicator: string, at?: string, scopes: readonly string[] = [], options = {}) =>
  renderMetadata({ indicator, at, place: { host: 'h', path: '' }, issuers: ['https://as.test/'], scopes, options })

const urls: readonly (readonly [string, string, string])[] = [
  ['PR-1', 'https://h/a/b', 'https://h/.well-known/oauth-protected-resource/a/b'],
  ['PR-2', 'https://h/', 'https://h/.well-known/oauth-protected-resource'],
  ['PR-2', 'https://h', 'https://h/.well-known/oauth-protected-resource'],
  ['PR-2', 'https://h/a/', 'https://h/.well-known/oauth-protected-resource/a/'],
  ['PR-3', 'https://h:8443/a?t=1', 'https://h:8443/.well-known/oauth-protected-resource/a?t=1'],
]
for (const [id, indicator, url] of urls) {
  test(`${id}: the metadata of ${indicator} is at ${url}, and names the indicator byte for byte (PR-4)`, () => {
    const metadata = render(indicator)
    assert.equal(metadata?.url, url)
    assert.equal(JSON.parse(metadata?.document ?? '{}').resource, indicator)
  })
}

test('FW-6: a whole URI in `at` is where clients reach the document, a bare path leaves the indicator', () => {
  assert.equal(
    render('https://h/a', 'https://gw.test/x')?.url,
    'https://gw.test/.well-known/oauth-protected-resource/x',
  )
  assert.equal(render('https://h/a', '/x')?.url, 'https://h/.well-known/oauth-protected-resource/a')
})

test('RI-16: an indicator that is no http(s) URL has no document', () =>
  assert.equal(render('urn:x', 'https://h/a'), undefined))

test('PR-6, PR-9, PR-12: empty lists are left out, issuers are named exactly, scopes only as far as meant', () => {
  assert.deepEqual(JSON.parse(render('https://h/a')?.document ?? ''), {
    resource: 'https://h/a',
    authorization_servers: ['https://as.test/'],
    bearer_methods_supported: ['header'],
  })
  const full = render('https://h/a', undefined, ['a:read'], {
    resource_name: 'A',
    resource_documentation: 'https://d',
    scopes_supported: ['a:read', 'a:write'],
  })
  assert.deepEqual(JSON.parse(full?.document ?? ''), {
    resource: 'https://h/a',
    authorization_servers: ['https://as.test/'],
    scopes_supported: ['a:read', 'a:write'],
    bearer_methods_supported: ['header'],
    resource_name: 'A',
    resource_documentation: 'https://d',
  })
  assert.deepEqual(JSON.parse(render('https://h/a', undefined, ['a:read'])?.document ?? '').scopes_supported, [
    'a:read',
  ])
})

test('PR-2, PR-16: a document answers at its own place and its indicator, and never for another resource', () => {
  const well = '/.well-known/oauth-protected-resource'
  const resources = policy(
    { indicator: 'https://x.test/b', at: '/a', name: 'first' },
    { indicator: 'https://y.test/z', at: '/b', name: 'second' },
    { indicator: 'https://h.test/dir/', name: 'dir' },
  )
  const at = (host: string, path: string) => findMetadata(resources, host, `${well}${path}`)?.name
  assert.equal(at('localhost', '/a'), 'first')
  assert.equal(at('localhost', '/b'), 'second')
  assert.equal(at('localhost', '/z'), 'second')
  assert.equal(at('h.test', '/dir/'), 'dir')
  assert.equal(at('h.test', '/dir'), 'dir')
  assert.equal(at('localhost', '/dir'), undefined)
  assert.equal(at('h.test', ''), undefined)
})
