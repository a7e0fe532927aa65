import { listRoutes } from './config/listing.ts'
import { viewOf } from './config/view.ts'
import type { Generation } from './generation.ts'
import type { AdminDependencies } from './http/admin-endpoints.ts'
import type { Metrics } from './observe/metrics.ts'
import { redact } from './observe/redact.ts'

export interface StatusDeps extends Pick<AdminDependencies, 'started' | 'ready' | 'failed'> {
  readonly current: () => Pick<Generation, 'config' | 'issuers'>
  /** From now on answers carry `Connection: close`. */
  readonly drain: () => void
  readonly metrics: Pick<Metrics, 'setDraining' | 'expose' | 'contentType'>
}

/** What the admin listener shows of a gateway: always of the config that is running. */
export const gatewayStatus = ({ current, started, ready, drain, metrics, failed }: StatusDeps): AdminDependencies => ({
  started,
  ready,
  drain: () => {
    drain()
    metrics.setDraining(true)
  },
  metrics: {
    expose: () => {
      // Time may have passed the longest wait.
      ready()
      return metrics.expose()
    },
    contentType: metrics.contentType,
  },
  routes: () => ({ resources: listRoutes(current().config) }),
  issuers: () =>
    [...current().issuers.values()].map(({ name, issuer, keys, decryption }) => {
      const report = keys.report()
      // The query of a URL may hold an API key.
      const jwksUri = report.jwksUri?.split('?', 1)[0]
      return { name, issuer, ...report, jwksUri, decryption: decryption?.report() }
    }),
  config: () => redact(viewOf(current().config)),
  failed,
})
