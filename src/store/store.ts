/** What a store answers; not ok: it could not be asked, in time or at all. What that means is the caller's to decide. */
export type Stored<T> = { readonly ok: true; readonly value: T } | { readonly ok: false }

/**
 * State that the replicas of one gateway share, or that one process keeps for itself. Keys and values are ours: no token
 * and no secret is ever part of them. Every operation ends within a short time and none rejects; a promise only where
 * the answer is not here.
 */
export interface Store {
  /**
   * Notes a key for `ttlMs`, atomically among all who share the store.
   *
   * @returns true: it was not there; false: it is there already, and stays as it was
   */
  putIfAbsent(key: string, ttlMs: number): Stored<boolean> | Promise<Stored<boolean>>
  /** The value last set, until its time is over; undefined: none. */
  get(key: string): Stored<string | undefined> | Promise<Stored<string | undefined>>
  set(key: string, value: string, ttlMs: number): Stored<void> | Promise<Stored<void>>
  /** Whether it can be asked right now, for probes and `check --online`; undefined: yes, else why not, without secrets. */
  fault(): Promise<string | undefined>
  close(): Promise<void>
}

export type StoreOperation = 'put_if_absent' | 'get' | 'set'

/** What a store reports; wired to metrics and log by the composition root. */
export interface StoreEvents {
  operation(op: StoreOperation, result: 'ok' | 'timeout' | 'error' | 'skipped' | 'full'): void
  /** The connection came or went, once per change. `detail` holds no secret. */
  connection(state: 'connected' | 'lost', detail: string | undefined): void
  /**
   * It is there and refuses this operation: a store that is full, or a user who may not. Once per change of `detail`, which
   * holds no secret; undefined: the operation goes through again.
   */
  refused(op: StoreOperation, detail: string | undefined): void
}
