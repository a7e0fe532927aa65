import { createHmac, createSecretKey } from 'node:crypto'
import { pass } from '../decision/refusal.ts'
import type { FixedKeys } from './fixed.ts'
import { hmacBytes, withoutNewline } from './options.ts'
import { readRegularFile } from './regular-file.ts'
import type { Selection } from './selection.ts'

/**
 * The secret that the issuer shares with us: the bytes of a file as they are, neither text nor base64, but for one newline
 * at the end, which is the editor's and not part of it. The one place where HMAC gets a key (JO-4). All or nothing: with
 * a secret too short for one of `algorithms`, or an algorithm that is no HMAC among them, there is no key at all.
 */
export const loadSecret = async (file: string, algorithms: readonly string[]): Promise<FixedKeys> => {
  const broken = (fault: string): FixedKeys => ({ ok: false, fault: `${file}: ${fault}`, dropped: [] })
  const content = await readRegularFile(file)
  if (!content.ok) return { ...content, dropped: [] }
  const secret = withoutNewline(content.bytes)
  for (const algorithm of algorithms) {
    const needed = hmacBytes.get(algorithm)
    if (needed === undefined) return broken(`is a shared secret, and ${algorithm} needs a public key`)
    if (secret.length < needed) return broken(`holds ${secret.length} bytes, and ${algorithm} needs ${needed}`)
  }
  return { ok: true, selection: selectionOf(secret, algorithms), dropped: [] }
}

/** One key for all its algorithms. It has no name, so nobody asks for it by one. */
const selectionOf = (secret: Uint8Array, algorithms: readonly string[]): Selection => {
  const key = createSecretKey(secret)
  const outcome = pass(key)
  return {
    find: ({ alg }) => (algorithms.includes(alg) ? { kind: 'key', outcome } : { kind: 'unfit' }),
    size: 1,
    // Tells one secret from another and nothing of either.
    fingerprint: createHmac('sha256', key).update('audgate').digest('base64url'),
  }
}
