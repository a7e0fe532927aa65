import type { Adapter, AdapterPayload } from 'oidc-provider'

/** Per kind of entry. The oldest goes first: a dev server that is flooded forgets, it does not grow. */
const MAX_ENTRIES = 10_000

/**
 * The adapter factory of one authorization server: memory only, bounded, gone with the process. It outlives the
 * Provider objects, so codes, refresh tokens and sessions survive a key rotation. It does not look at expiry: the
 * Provider checks `exp` of whatever it finds.
 */
export const createStorage = (): ((model: string) => Adapter) => {
  const models = new Map<string, Map<string, AdapterPayload>>()
  const entriesOf = (model: string): Map<string, AdapterPayload> => {
    const entries = models.get(model) ?? new Map<string, AdapterPayload>()
    models.set(model, entries)
    return entries
  }
  return (model) => {
    const entries = entriesOf(model)
    const findBy = (member: 'uid' | 'userCode', value: string): AdapterPayload | undefined =>
      [...entries.values()].find((payload) => payload[member] === value)
    return {
      upsert: async (id, payload) => {
        entries.delete(id)
        entries.set(id, payload)
        const [oldest] = entries.keys()
        if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest)
      },
      find: async (id) => entries.get(id),
      findByUid: async (uid) => findBy('uid', uid),
      findByUserCode: async (userCode) => findBy('userCode', userCode),
      consume: async (id) => {
        const payload = entries.get(id)
        if (payload !== undefined) entries.set(id, { ...payload, consumed: Math.floor(Date.now() / 1000) })
      },
      destroy: async (id) => {
        entries.delete(id)
      },
      revokeByGrantId: async (grantId) => {
        for (const [id, payload] of entries) if (payload.grantId === grantId) entries.delete(id)
      },
    }
  }
}
