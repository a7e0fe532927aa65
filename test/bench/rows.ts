import type { Bundles } from './bundle.ts'
import {
  ec,
  ed,
  type Fresh,
  freshRequests,
  issuer,
  manyApis,
  neverSeen,
  opaqueRequest,
  orders,
  provenRequests,
  pss,
  rsa,
  spreadRequests,
} from './requests.ts'
import { type Api, type AudgateOptions, startAudgate } from './subjects/audgate.ts'
import { startFloor } from './subjects/floor.ts'
import { startHaproxy } from './subjects/haproxy.ts'
import { startNginxProxy } from './subjects/nginx.ts'
import type { Subject } from './subjects/subject.ts'

/** One line of the table. */
export interface Row {
  readonly name: string
  /** Undefined: `why` says what is missing. */
  readonly start: (() => Promise<Subject>) | undefined
  readonly why?: string
  /** Sent in turn; or made anew for every round. */
  readonly requests: readonly string[] | Fresh
  /** A token for another API has to be refused here. */
  readonly checks: boolean
}

export interface Stage {
  readonly bundles: Bundles
  readonly folder: string
  readonly upstreamPort: number
  readonly nginx: string | undefined
  readonly haproxy: string | undefined
  /** Tokens never seen before, for one round. */
  readonly freshPerRound: number
  /** Requests with a proof, for one round. */
  readonly provenPerRound: number
  /** URL of the bench's own introspection endpoint. */
  readonly introspection: string
}

export const floorName = 'pass-through, node:http + undici (the floor)'

/**
 * V8 collects garbage when a process falls idle, as ours all do while it is another one's turn. What that costs depends
 * on the size of the heap, which is not what is compared between few and many resources.
 */
const steady = ['--no-memory-reducer']

/** Every row has a process of its own, so that no row's tokens, types or garbage are another's. */
export const rowsOf = async ({
  bundles,
  folder,
  upstreamPort,
  nginx,
  haproxy,
  freshPerRound,
  provenPerRound,
  introspection,
}: Stage): Promise<readonly Row[]> => {
  const [hot = '', ...others] = freshRequests(2000, rsa)
  const audgate =
    (name: string, apis: readonly Api[], more: Partial<AudgateOptions> = {}) =>
    () =>
      startAudgate(name, {
        bundle: bundles.audgate,
        folder,
        issuer,
        keys: [rsa, pss, ec, ed].map(({ jwk }) => jwk),
        apis,
        upstreamPort,
        ...more,
      })
  const few = manyApis(10)
  const many = manyApis(10_000)
  return [
    { name: floorName, start: () => startFloor(bundles.floor, upstreamPort), requests: [hot], checks: false },
    { name: 'Audgate, one hot token', start: audgate('hot', [orders]), requests: [hot], checks: true },
    {
      name: 'Audgate, 2,000 tokens in rotation',
      start: audgate('rotation', [orders]),
      requests: [hot, ...others],
      checks: true,
    },
    ...[rsa, pss, ec, ed].map(
      (key): Row => ({
        name: `Audgate, tokens never seen, ${key.alg}`,
        start: audgate(`fresh-${key.alg}`, [orders]),
        requests: neverSeen(key, freshPerRound),
        checks: true,
      }),
    ),
    {
      name: 'Audgate, DPoP: one hot token, a new proof (ES256)',
      start: audgate('dpop', [orders]),
      requests: await provenRequests(provenPerRound),
      checks: true,
    },
    {
      name: 'Audgate, one hot opaque token, introspected',
      start: audgate('introspection', [orders], { introspection }),
      requests: [opaqueRequest()],
      checks: true,
    },
    {
      name: 'Audgate, 10 resources',
      start: audgate('few', few, { flags: steady }),
      requests: spreadRequests(few),
      checks: false,
    },
    {
      name: 'Audgate, 10,000 resources',
      start: audgate('many', many, { flags: steady }),
      requests: spreadRequests(many),
      checks: false,
    },
    {
      name: 'nginx proxy_pass, no check',
      start: nginx === undefined ? undefined : () => startNginxProxy(nginx, folder, upstreamPort),
      why: 'nginx is not installed',
      requests: [hot],
      checks: false,
    },
    {
      name: 'haproxy, jwt_verify, audience and scope',
      start:
        haproxy === undefined
          ? undefined
          : () =>
              startHaproxy({
                program: haproxy,
                folder,
                issuer,
                audience: orders.resource,
                key: rsa.jwk,
                upstreamPort,
              }),
      why: 'haproxy is not installed',
      requests: [hot],
      checks: true,
    },
  ]
}
