import type { KeyEvents } from './key-source.ts'
import type { DroppedKey } from './vet.ts'

/** Reports the dropped keys of each set that is loaded, those of the set before left out: a refresh repeats them. */
export const createDropLog = (
  issuer: string,
  events: Pick<KeyEvents, 'keyDropped'>,
): ((dropped: readonly DroppedKey[]) => void) => {
  let before = new Set<string>()
  return (dropped) => {
    const now = new Set<string>()
    for (const { kid, why } of dropped) {
      const line = JSON.stringify([kid, why])
      if (!before.has(line) && !now.has(line)) events.keyDropped(issuer, kid, why)
      now.add(line)
    }
    before = now
  }
}
