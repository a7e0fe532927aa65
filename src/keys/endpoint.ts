import type { Clock } from './clock.ts'
import { type DiscoveryOptions, searchMetadata } from './discovery.ts'
import { type Failed, failed, type HttpClient, urlFault } from './http-client.ts'

export type LocatedEndpoint = { readonly ok: true; readonly url: string } | Failed

/** Where an issuer is to be asked about its opaque tokens. */
export interface Endpoint {
  /** From memory, or by a look at the metadata; only one look at a time. Never rejects. */
  locate(): Promise<LocatedEndpoint>
  /** Looks again now, if it was ever needed. A failure keeps what was found. Never rejects. */
  reload(): Promise<void>
}

export interface EndpointOptions extends DiscoveryOptions {
  /** As the operator wrote it; undefined: `introspection_endpoint` of the metadata. */
  readonly endpoint: string | undefined
  /** How long what was found counts before it is looked for again. */
  readonly intervalMs: number
  /** Least time between two looks of which the first failed; at most 5 s while nothing is known and requests wait for it. */
  readonly cooldownMs: number
}

const longestColdMs = 5_000

/**
 * The introspection endpoint of one issuer (RFC 8414 section 2): looked for when it is first needed, and again after each
 * interval; what was found stays while looking fails. No failure is asked about again within the cool-down.
 */
export const createEndpoint = (options: EndpointOptions, client: HttpClient, clock: Clock): Endpoint => {
  if (options.endpoint !== undefined) {
    const fault = urlFault(options.endpoint, options.allowHttp)
    const located: LocatedEndpoint =
      fault === undefined ? { ok: true, url: options.endpoint } : failed('parse', options.endpoint, fault)
    return { locate: async () => located, reload: async () => undefined }
  }
  let known: LocatedEndpoint | undefined
  let nextLookAt = Number.NEGATIVE_INFINITY
  let flight: Promise<LocatedEndpoint> | undefined

  const look = async (): Promise<LocatedEndpoint> => {
    const named = await searchMetadata(options, client, 'introspection_endpoint')
    const cooldownMs = known?.ok === true ? options.cooldownMs : Math.min(options.cooldownMs, longestColdMs)
    nextLookAt = clock.now() + (named.ok ? options.intervalMs : cooldownMs)
    if (named.ok) known = { ok: true, url: named.url }
    else if (known?.ok !== true) known = named
    flight = undefined
    return known ?? named
  }

  return {
    locate: async () => {
      if (known !== undefined && clock.now() < nextLookAt) return known
      flight ??= look()
      // Nobody waits for the metadata while an endpoint is known.
      return known?.ok === true ? known : flight
    },
    reload: async () => {
      // A look under way may have left before the metadata were changed.
      await flight
      if (known === undefined) return
      flight ??= look()
      await flight
    },
  }
}
