import { refuse } from '../decision/refusal.ts'
import type { KeyHint } from './key-source.ts'
import type { Found } from './selection.ts'
import { shownKid } from './vet.ts'

/** The refusal of a token that no key fits although all keys are at hand: the client's fault (AS-12). */
export const keyUnknown = (issuer: string, kind: Exclude<Found['kind'], 'key'>, { alg, kid }: KeyHint) => {
  const named = kid === undefined ? 'no kid' : `the kid ${JSON.stringify(shownKid(kid))}`
  const faults = {
    absent: kid === undefined ? `the token has no kid and no key fits ${alg}` : `no key has ${named}`,
    several: `several keys fit ${alg} and ${named}`,
    unfit: `the key with ${named} is not for ${alg}`,
  } satisfies Record<typeof kind, string>
  return refuse({ reason: 'key_unknown', issuer, fault: faults[kind] })
}
