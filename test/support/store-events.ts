import type { StoreEvents } from '../../src/store/store.ts'

export interface RecordedStoreEvents extends StoreEvents {
  /** `put_if_absent ok`, in order. */
  readonly operations: string[]
  /** `connected HOST:PORT`, in order. */
  readonly connections: string[]
  /** `put_if_absent HOST:PORT: it answered OOM`, in order. */
  readonly refusals: string[]
}

export const recordStoreEvents = (): RecordedStoreEvents => {
  const operations: string[] = []
  const connections: string[] = []
  const refusals: string[] = []
  return {
    operations,
    connections,
    refusals,
    operation: (op, result) => void operations.push(`${op} ${result}`),
    connection: (state, detail) => void connections.push(`${state} ${detail}`),
    refused: (op, detail) => void refusals.push(`${op} ${detail}`),
  }
}
