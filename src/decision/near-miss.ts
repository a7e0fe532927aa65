import type { Refusal } from './refusal.ts'
import type { Resource } from './resource.ts'
import { senderFaults } from './sender.ts'

/**
 * Says in one sentence what a refused token nearly was, for the operator's log and `explain`; never for the client.
 * Pure string comparison: it decides nothing. Undefined: nothing near.
 */
export const nearMiss = (refusal: Refusal, resource: Resource | undefined): string | undefined => {
  switch (refusal.reason) {
    case 'audience_mismatch':
      return audienceMiss(refusal.expected, refusal.got)
    case 'audience_missing':
      return 'the token names no audience: was `resource` sent to the authorization server?'
    case 'token_opaque':
      return 'opaque token: was `resource` sent to the authorization server?'
    case 'decryption_failed':
      return 'an issuer with `decryption` may send encrypted tokens, one with `decryption.required` must'
    case 'token_type_wrong':
      return typeMiss(refusal.got)
    case 'issuer_untrusted':
      return issuerMiss(refusal, resource)
    case 'proof_missing':
      return proofMiss(refusal.methods)
    case 'proof_invalid':
      return refusal.fault.includes('htu')
        ? 'htu is the URI that clients know: the host and scheme of `at`, or what a proxy of `trusted_proxies` forwards'
        : undefined
    case 'binding_mismatch':
      return bindingHints.get(refusal.fault)
    case 'scope_insufficient':
      return refusal.details === undefined
        ? scopeMiss([...refusal.required, ...refusal.anyOf], refusal.got)
        : 'no scope stands in for `authorization_details`: the client asks for it beside `scope` (RFC 9396)'
    case 'claim_mismatch':
      return claimMiss(refusal.expected, refusal.got)
    case 'authentication_insufficient':
      return refusal.got === 'none' ? `does the issuer write \`${refusal.claim}\` into access tokens?` : undefined
    default:
      return undefined
  }
}

const audienceMiss = (expected: readonly string[], got: readonly string[]): string | undefined => {
  for (const want of expected) {
    for (const have of got) {
      const difference = compareIdentifiers(want, have)
      if (difference !== undefined) return `\`${have}\` ${difference}`
    }
  }
  return undefined
}

/** How two different identifiers differ, when only in one way that people get wrong; undefined: not near. */
export const compareIdentifiers = (want: string, have: string): string | undefined => {
  if (want === have) return undefined
  if (withoutSlash(want) === withoutSlash(have)) return 'differs only in the trailing slash'
  if (withoutScheme(want) === withoutScheme(have)) return 'differs only in the scheme'
  if (lowerAuthority(want) === lowerAuthority(have)) return 'differs only in the case of scheme or host'
  if (withoutDefaultPort(want) === withoutDefaultPort(have)) return 'differs only in the default port'
  if (decoded(want) === decoded(have)) return 'differs only in percent-encoding'
  if (want.normalize('NFC') === have.normalize('NFC')) return 'differs only in Unicode normalization'
  if (canonical(want) === canonical(have)) return 'differs only in spelling (slash, scheme, case, port or encoding)'
  if (want.toLowerCase() === have.toLowerCase()) return 'differs only in letter case'
  if (isBelow(want, have)) return 'is a parent of this resource, and audiences know no hierarchy'
  if (isBelow(have, want)) return 'is a child of this resource, and audiences know no hierarchy'
  return undefined
}

const withoutSlash = (uri: string): string => uri.replace(/\/$/, '')
const withoutScheme = (uri: string): string => uri.replace(/^https?:/i, '')
const lowerAuthority = (uri: string): string => uri.replace(/^[^/]*\/\/[^/?]*/, (start) => start.toLowerCase())
const withoutDefaultPort = (uri: string): string =>
  uri.replace(/^(https:\/\/[^/?:]+):443(?=[/?]|$)/i, '$1').replace(/^(http:\/\/[^/?:]+):80(?=[/?]|$)/i, '$1')

const decoded = (uri: string): string => {
  try {
    return decodeURIComponent(uri)
  } catch {
    return uri
  }
}

const canonical = (uri: string): string => withoutSlash(withoutScheme(decoded(lowerAuthority(withoutDefaultPort(uri)))))

const isBelow = (child: string, parent: string): boolean => child.startsWith(`${withoutSlash(parent)}/`)

const typeMiss = (got: string): string => {
  const type = got.toLowerCase().replace(/^application\//, '')
  if (type.includes('id token') || type === 'id_token' || type === 'jwt' || type === 'none') {
    return type.includes('id') && type !== 'jwt'
      ? 'this is an ID token: send the access token'
      : 'this may be an ID token, or an access token of an issuer that needs another `profile`'
  }
  return `this is ${got}, not an access token`
}

const issuerMiss = (
  { expected, got, audience }: Extract<Refusal, { reason: 'issuer_untrusted' }>,
  resource: Resource | undefined,
): string | undefined => {
  for (const want of expected) {
    const difference = compareIdentifiers(want, got)
    if (difference !== undefined) return `issuer \`${got}\` ${difference}`
  }
  const meant = audience.some((value) => resource?.audiences.includes(value))
  return meant ? 'the audience is right, the issuer is not one of this resource' : undefined
}

const proofMiss = (methods: readonly string[]): string => {
  const hints = [
    methods.includes('jkt') ? 'a token bound by `jkt` is sent under the DPoP scheme, with a proof in `DPoP`' : '',
    methods.includes('x5t#S256')
      ? 'a token bound by `x5t#S256` comes with its client certificate: see `listen.tls` and `trusted_proxies`'
      : '',
  ].filter((hint) => hint !== '')
  return hints.join('; ') || 'only bindings by `jkt` and by `x5t#S256` are known'
}

const bindingHints: ReadonlyMap<string, string> = new Map([
  [
    senderFaults.unboundDPoP,
    'send it as Bearer, or prove a key to the authorization server when the token is asked for',
  ],
  [senderFaults.unbound, '`sender_constrained`: the client must prove a key when the token is asked for'],
  [senderFaults.notByKey, 'it is bound to a client certificate: send it as Bearer'],
])

/** @param got as JSON; the expected values are texts of whatever type the rule has */
const claimMiss = (expected: readonly string[], got: string): string | undefined => {
  for (const want of expected) {
    const text = JSON.stringify(want)
    if (got === text) return 'the claim is a text, and nothing is converted'
    if (got === want && got !== 'absent') return 'the claim is no text, and nothing is converted'
    if (got.toLowerCase() === text.toLowerCase()) return 'differs only in letter case'
  }
  return undefined
}

const scopeMiss = (needed: readonly string[], got: readonly string[]): string | undefined => {
  for (const scope of needed) {
    if (got.includes(scope)) continue
    for (const have of got) {
      if (have.toLowerCase() === scope.toLowerCase())
        return `scope \`${have}\` differs from \`${scope}\` only in letter case`
      if (separators(have) === separators(scope))
        return `scope \`${have}\` differs from \`${scope}\` only in the separator`
      if (have.split(/[,;\t+]/).includes(scope)) return 'scopes are separated by something other than a space'
    }
  }
  return undefined
}

const separators = (scope: string): string => scope.toLowerCase().replace(/[:._/-]/g, ':')
