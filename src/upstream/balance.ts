import type { ReplicaOptions, UpstreamOptions } from './options.ts'

/** What counts of a replica when one is chosen. */
export interface Choosable {
  readonly replica: ReplicaOptions
  /** Requests that it has in flight. */
  busy(): number
  /** What the active checks say. */
  healthy(): boolean
  /** Left out for a while, because requests to it failed. */
  out(): boolean
}

/** Which replicas will do for a request. */
export interface Choice {
  /** Where it failed: another one is preferred, if one can be had at all. */
  readonly tried: readonly ReplicaOptions[]
  /** … and nothing else will do. */
  readonly elsewhere?: boolean
}

/** `full`: those that will do are busy. `none`: there is none that would. */
export type Chosen<P> = P | 'full' | 'none'

/**
 * Chooses the replica of the next request: each in turn, or the one with the fewest requests in flight and those with as
 * many in turn. Unhealthy and ejected ones are left out; when that leaves none, the ejected ones that are healthy count
 * again, as a bad answer is better than none.
 *
 * @param most requests that a replica may have in flight
 */
export const createBalance = <P extends Choosable>(
  places: readonly P[],
  balance: UpstreamOptions['balance'],
  most: number,
): ((choice: Choice) => Chosen<P>) => {
  const leastPending = balance === 'least_pending'
  let turn = 0
  const among = (counts: (place: P) => boolean): Chosen<P> => {
    let chosen: number | 'full' | 'none' = 'none'
    let fewest = most
    for (let i = 0; i < places.length; i++) {
      const index = (turn + i) % places.length
      const place = places[index]
      if (!place || !counts(place)) continue
      const busy = place.busy()
      if (busy < fewest) {
        chosen = index
        if (!leastPending) break
        fewest = busy
      } else if (chosen === 'none') chosen = 'full'
    }
    if (typeof chosen !== 'number') return chosen
    turn = (chosen + 1) % places.length
    return places[chosen] ?? 'none'
  }
  const isIn = (place: P): boolean => place.healthy() && !place.out()
  const isHealthy = (place: P): boolean => place.healthy()
  return ({ tried, elsewhere }) => {
    if (tried.length > 0) {
      const other = among((place) => !tried.includes(place.replica) && isIn(place))
      if (other !== 'none' || elsewhere) return other
    }
    const chosen = among(isIn)
    return chosen === 'none' ? among(isHealthy) : chosen
  }
}
