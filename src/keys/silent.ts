import type { KeyEvents } from './key-source.ts'

/** For commands that load keys once and say themselves what came of it. */
export const silentKeyEvents: KeyEvents = {
  fetched: () => undefined,
  stateChanged: () => undefined,
  unknownKid: () => undefined,
  keyDropped: () => undefined,
  warned: () => undefined,
}
