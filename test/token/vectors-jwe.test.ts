import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fitsHint, vetDecryptionKeys } from '../../src/keys/decryption-vet.ts'
import { createAside, MOST_ASIDE } from '../../src/token/aside.ts'
import { decrypt } from '../../src/token/decrypt.ts'
import { contentOf, ENCRYPTION_ALGORITHMS, KEY_ALGORITHMS } from '../../src/token/jwe-content.ts'
import type { TrustedIssuer } from '../../src/token/proof.ts'
import { decryptionKeys, encrypt, type PrivateJwk } from '../support/encryption-keys.ts'
import { createKey, ISSUER, issuerKeys, mint, TOKEN_OPTIONS } from '../support/tokens.ts'

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined && 'AUDGATE_VECTORS is not set: the public test vectors are not on this machine'
const load = <T>(name: string): T => JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')) as T

interface Wycheproof {
  readonly testGroups: readonly {
    readonly private: PrivateJwk | { readonly keys: readonly PrivateJwk[] }
    readonly tests: readonly {
      readonly tcId: number
      readonly comment: string
      readonly result: 'valid' | 'invalid'
      readonly jwe: string
      readonly pt?: string
    }[]
  }[]
}

interface Cookbook {
  readonly cases: readonly {
    readonly path: string
    readonly payload: unknown
    readonly key: PrivateJwk | string | readonly unknown[] | null
    readonly alg: unknown
    readonly enc: unknown
    readonly compact: string | null
  }[]
}

/** An issuer whose tokens are opened with these keys, as far as they are any good. */
const issuerWith = async (jwks: readonly PrivateJwk[]): Promise<readonly TrustedIssuer[]> => [
  {
    name: 'main',
    issuer: ISSUER,
    token: TOKEN_OPTIONS,
    keys: await issuerKeys([]),
    decryption: decryptionKeys(jwks),
    introspection: undefined,
  },
]

const headerOf = (token: string): { readonly alg?: unknown; readonly enc?: unknown } => {
  try {
    return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  } catch {
    return {}
  }
}

/** What the keys open, as hex; undefined: they do not. */
const opened = async (token: string, jwks: readonly PrivateJwk[]): Promise<string | undefined> => {
  const { alg, enc } = headerOf(token)
  for (const key of vetDecryptionKeys(jwks).keys) {
    if (!fitsHint(key, { alg: String(alg), enc: String(enc), kid: undefined })) continue
    const content = await contentOf(token, key.key)
    if (content !== undefined) return Buffer.from(content, 'latin1').toString('hex')
  }
  return undefined
}

const isAccepted = ({ alg, enc }: { readonly alg?: unknown; readonly enc?: unknown }): boolean =>
  KEY_ALGORITHMS.includes(String(alg)) && ENCRYPTION_ALGORITHMS.includes(String(enc))

test('wycheproof-jwe.json: what is valid and of our algorithms opens, all else does not', { skip }, async () => {
  const controls: number[] = []
  let closed = 0
  for (const { private: own, tests } of load<Wycheproof>('wycheproof-jwe.json').testGroups) {
    const jwks = 'keys' in own ? (own.keys as readonly PrivateJwk[]) : [own as PrivateJwk]
    for (const { tcId, comment, result, jwe, pt } of tests) {
      const found = await opened(jwe, jwks)
      if (result === 'valid' && isAccepted(headerOf(jwe))) {
        assert.equal(found, pt, `${tcId} ${comment}`)
        controls.push(tcId)
      } else {
        assert.equal(found, undefined, `${tcId} ${comment}`)
        closed++
      }
    }
  }
  assert.deepEqual([controls.length, closed], [25, 114])
})

test('wycheproof-jwe.json: no token of it passes the gateway, and each gets the one refusal', { skip }, async () => {
  let run = 0
  for (const { private: own, tests } of load<Wycheproof>('wycheproof-jwe.json').testGroups) {
    const issuers = await issuerWith('keys' in own ? (own.keys as readonly PrivateJwk[]) : [own as PrivateJwk])
    for (const { tcId, comment, jwe } of tests) {
      const outcome = await decrypt(jwe, issuers, createAside(MOST_ASIDE))
      const reason = outcome.ok ? 'none' : outcome.refusal.reason
      // Of some groups no key is any good, and a header that is fine then meets an empty set.
      const allowed =
        issuers[0]?.decryption?.report().keys === 0 ? ['decryption_failed', 'keys_unavailable'] : ['decryption_failed']
      assert.ok(allowed.includes(reason), `${tcId} ${comment}: ${reason}`)
      run++
    }
  }
  assert.equal(run, 139)
})

test('rfc7520-cookbook.json: the compact JWEs of our algorithms open, no other does, and none passes the gateway', {
  skip,
}, async () => {
  const found: string[] = []
  for (const { path, payload, key, alg, enc, compact } of load<Cookbook>('rfc7520-cookbook.json').cases) {
    if (compact === null || compact.split('.').length !== 5) continue
    const jwks = key !== null && typeof key === 'object' && 'kty' in key ? [key] : []
    const content = await opened(compact, jwks)
    if (isAccepted({ alg, enc })) {
      assert.equal(content, Buffer.from(String(payload)).toString('hex'), path)
      found.push(`${alg} ${enc}`)
    } else assert.equal(content, undefined, path)
    assert.equal((await decrypt(compact, await issuerWith(jwks), createAside(MOST_ASIDE))).ok, false, path)
  }
  assert.deepEqual(found.sort(), ['ECDH-ES A128CBC-HS256', 'ECDH-ES A128GCM', 'ECDH-ES+A128KW A128GCM', 'dir A128GCM'])
})

test('RFC 7520: keys of the cookbook open a token that is one', { skip }, async () => {
  const signed = mint({ key: createKey('ES256', 'sig') })
  for (const { key, alg, enc } of load<Cookbook>('rfc7520-cookbook.json').cases) {
    if (key === null || typeof key !== 'object' || !('kty' in key) || !isAccepted({ alg, enc })) continue
    const token = await encrypt(signed, { key, alg: String(alg), enc: String(enc) })
    assert.equal((await decrypt(token, await issuerWith([key]), createAside(MOST_ASIDE))).ok, true, `${alg} ${enc}`)
  }
})
