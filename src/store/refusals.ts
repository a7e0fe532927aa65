import type { StoreOperation } from './store.ts'

/** An operation that was refused goes through again when it did so for that long after the last refusal. */
const CALM_MS = 10_000

/**
 * Tells of refusals once per change, not once per call. Operations are told apart, for a user may be allowed one and not
 * the other. A Redis at the edge of its memory refuses every other call: until it was calm for ten seconds, that is one
 * refusal.
 */
export interface Refusals {
  refused(op: StoreOperation, why: string): void
  taken(op: StoreOperation): void
}

/** @param monotonic milliseconds that only grow */
export const createRefusals = (
  monotonic: () => number,
  changed: (op: StoreOperation, why: string | undefined) => void,
): Refusals => {
  const last = new Map<StoreOperation, { readonly why: string; readonly at: number }>()

  return {
    refused(op, why) {
      const known = last.get(op)?.why
      last.set(op, { why, at: monotonic() })
      if (known !== why) changed(op, why)
    },
    taken(op) {
      const refusal = last.get(op)
      if (refusal === undefined || monotonic() - refusal.at < CALM_MS) return
      last.delete(op)
      changed(op, undefined)
    },
  }
}
