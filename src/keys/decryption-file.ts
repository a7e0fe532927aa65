import type { Clock } from './clock.ts'
import type { DecryptionKeys } from './decryption-keys.ts'
import { type DecryptionKey, fitsHint, vetDecryptionKeys } from './decryption-vet.ts'
import { createDropLog } from './drop-log.ts'
import { readJwksFile } from './file.ts'
import type { KeyEvents } from './key-source.ts'

/** What decryption keys report: never key material. */
export interface DecryptionEvents extends Pick<KeyEvents, 'keyDropped' | 'warned'> {
  /** The keys of that issuer are other ones now: what was proven with the old generation is void. */
  decryptionChanged(issuer: string): void
}

/** How soon a file that was of no use is read again. */
const againMs = 5000

/** Keys that fit one token: with more, whoever sends tokens without `kid` would decide how much work one is. */
const mostCandidates = 4

/**
 * Private keys from a JWKS file, read at the start and on `reload`; when the file changes is for the caller to see. A file
 * that is broken at the start leaves none; one that is broken later leaves the keys as they were, is reported once, and is
 * read again until it is good.
 */
export const createDecryptionKeys = (
  { name, file }: { readonly name: string; readonly file: string },
  { clock, events }: { readonly clock: Pick<Clock, 'after'>; readonly events: DecryptionEvents },
): DecryptionKeys => {
  const reportDropped = createDropLog(name, events)
  let keys: readonly DecryptionKey[] = []
  let generation = 0
  let fault: string | undefined
  let closed = false
  let cancel = (): unknown => undefined

  const load = async (): Promise<void> => {
    cancel()
    const read = await readJwksFile(file)
    const { keys: vetted, dropped } = vetDecryptionKeys(read.ok ? read.keys : [])
    reportDropped(dropped)
    const found = read.ok ? (vetted.length > 0 ? undefined : `${file}: has no key that can open tokens`) : read.fault
    if (found !== undefined && found !== fault) events.warned(name, `decryption keys: ${found}`)
    fault = found
    if (found !== undefined && !closed) cancel = clock.after(againMs, () => void next(load))
    if (found !== undefined || sameKeys(keys, vetted)) return
    keys = vetted
    generation += 1
    events.decryptionChanged(name)
  }

  // One after the other: of two readings at once the older could be the last to end.
  let work = load()
  const next = (job: () => Promise<void>): Promise<void> => {
    work = work.then(job)
    return work
  }
  const started = work

  return {
    get generation() {
      return generation
    },
    candidates: (hint) =>
      keys
        .filter((key) => fitsHint(key, hint))
        .slice(0, mostCandidates)
        .map(({ key }) => key),
    started,
    report: () => ({ keys: keys.length, lastError: fault }),
    reload: () => next(load),
    close: () => {
      closed = true
      cancel()
      return work
    },
  }
}

const sameKeys = (some: readonly DecryptionKey[], others: readonly DecryptionKey[]): boolean =>
  some.length === others.length &&
  some.every(({ kid, alg, key }, index) => {
    const other = others[index]
    if (other === undefined || kid !== other.kid || alg !== other.alg) return false
    // Keys of different types must not meet in `equals`: in Node 26 it leaves an error in OpenSSL's queue that ends the
    // process at the next decryption by WebCrypto.
    return key.asymmetricKeyType === other.key.asymmetricKeyType && key.equals(other.key)
  })
