import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findMetadata } from '../../src/decision/match.ts'
import { type MetadataSource, renderMetadata } from '../../src/decision/metadata.ts'
import { policy } from '../support/policy.ts'

const plain: MetadataSource = {
  indicator: 'https://h/a',
  at: undefined,
  place: { host: 'h', path: '' },
  issuers: ['https://as.test/'],
  scopes: [],
  senderConstrained: false,
  proofAlgorithms: [],
  clientCertificates: false,
  authorizationDetailsTypes: [],
  options: {},
}

const render = (indicator: string, at?: string, scopes: readonly string[] = [], options = {}) =>
  renderMetadata({ ...plain, indicator, at, scopes, options })

const documentOf = (change: Partial<MetadataSource>): Record<string, unknown> =>
  JSON.parse(renderMetadata({ ...plain, ...change })?.document ?? '')

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

test('PR-7, PR-8: which proofs are accepted follows from the policy, and nothing is said of what is not', () => {
  const { resource, authorization_servers, bearer_methods_supported, ...rest } = documentOf({})
  assert.deepEqual(rest, {})
  assert.deepEqual(documentOf({ proofAlgorithms: ['ES256', 'EdDSA'] }).dpop_signing_alg_values_supported, [
    'ES256',
    'EdDSA',
  ])
})

test('PR-7: DPoP is called required where no other binding would do, certificates where they would', () => {
  const said = (change: Partial<MetadataSource>) => {
    const document = documentOf({ proofAlgorithms: ['ES256'], ...change })
    return [document.dpop_bound_access_tokens_required, document.tls_client_certificate_bound_access_tokens]
  }
  assert.deepEqual(said({}), [undefined, undefined])
  assert.deepEqual(said({ senderConstrained: true }), [true, undefined])
  assert.deepEqual(said({ clientCertificates: true }), [undefined, true])
  assert.deepEqual(said({ senderConstrained: true, clientCertificates: true }), [undefined, true])
})

test('RA-4: the types of authorization details that routes ask for are advertised', () => {
  assert.deepEqual(
    documentOf({ authorizationDetailsTypes: ['payment', 'account'] }).authorization_details_types_supported,
    ['payment', 'account'],
  )
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
