import type { IssuerEvents } from '../issuers.ts'
import { silentKeyEvents } from '../keys/silent.ts'

/** For commands that ask issuers once and say themselves what came of it. */
export const quiet: IssuerEvents = {
  keys: { ...silentKeyEvents, decryptionChanged: () => undefined },
  introspection: {
    introspected: () => undefined,
    warned: () => undefined,
    credentialsRefused: () => undefined,
    degraded: () => undefined,
  },
}
