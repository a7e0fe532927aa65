import type { metricFamilies } from './families.ts'

/** What one gauge of several processes is when they are one. */
export type GaugeRule = 'sum' | 'min' | 'max'

type Family = (typeof metricFamilies)[number]
type GaugeName = Extract<Family, { readonly type: 'gauge' }>['name']

/** Whichever value says that there is trouble: one worker without keys refuses requests, whatever the others have. */
const own = {
  audgate_upstream_healthy: 'min',
  audgate_open_requests: 'sum',
  audgate_open_tunnels: 'sum',
  audgate_jwks_keys: 'min',
  audgate_jwks_last_success_timestamp_seconds: 'min',
  audgate_jwks_state: 'max',
  audgate_tls_certificate_not_after_timestamp_seconds: 'min',
  audgate_ready: 'min',
  audgate_draining: 'max',
  audgate_config_last_reload_successful: 'min',
  audgate_config_last_reload_success_timestamp_seconds: 'min',
  audgate_config_info: 'max',
  audgate_build_info: 'max',
} satisfies Record<GaugeName, GaugeRule>

/** prom-client's own, by the beginning of their names; memory, handles and descriptors are added up. */
const ofProcess: readonly (readonly [string, GaugeRule])[] = [
  ['nodejs_eventloop_lag_', 'max'],
  ['nodejs_version_info', 'max'],
  ['process_start_time_seconds', 'min'],
  // A limit of each process, not of all.
  ['process_max_fds', 'min'],
  ['process_', 'sum'],
  ['nodejs_', 'sum'],
]

/** How the values of a gauge become one; what nobody made a rule for is as bad as the worst, that is, the highest. */
export const gaugeRule = (name: string): GaugeRule =>
  Object.hasOwn(own, name)
    ? own[name as GaugeName] // the line above says so
    : (ofProcess.find(([start]) => name.startsWith(start))?.[1] ?? 'max')
