import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config/config.ts'
import type { ListenOptions, TlsOptions } from './http/options.ts'

/** What runs after a reload. */
export interface Reloaded {
  /** The new config, with the values of the running one where those cannot change. */
  readonly config: Config
  /** The keys of the file that were kept: another value takes a restart. */
  readonly kept: readonly string[]
}

/**
 * Puts the values of the running config where a process cannot take another: sockets are bound, the parser and the log
 * are made, and what the store remembers of used proofs must not be forgotten.
 */
export const keepRestartOnly = (running: Config, next: Config): Reloaded => {
  const kept = new Set<string>()
  const keep = <T>(key: string, mine: T, other: T): T => {
    if (!isDeepStrictEqual(mine, other)) kept.add(key)
    return mine
  }
  const config: Config = {
    ...next,
    listen: keepListen(running.listen, next.listen, keep),
    admin: keep('admin', running.admin, next.admin),
    log: {
      level: keep('log.level', running.log.level, next.log.level),
      format: keep('log.format', running.log.format, next.log.format),
    },
    // It is about the start, and that is over.
    readiness: keep('readiness', running.readiness, next.readiness),
    store: keep('store', running.store, next.store),
    workers: keep('workers', running.workers, next.workers),
  }
  return { config, kept: [...kept] }
}

type Keep = <T>(key: string, mine: T, other: T) => T

const keepListen = (running: ListenOptions, next: ListenOptions, keep: Keep): ListenOptions => {
  const { timeouts, limits } = running
  return {
    ...next,
    host: keep('listen.address', running.host, next.host),
    port: keep('listen.address', running.port, next.port),
    tls: keepTls(running.tls, next.tls, keep),
    timeouts: {
      ...next.timeouts,
      headerMs: keep('listen.timeouts.header', timeouts.headerMs, next.timeouts.headerMs),
      idleMs: keep('listen.timeouts.idle', timeouts.idleMs, next.timeouts.idleMs),
      requestMs: keep('listen.timeouts.request', timeouts.requestMs, next.timeouts.requestMs),
    },
    limits: {
      ...next.limits,
      // The parser has a limit of its own, made of these two.
      headerSize: keep('listen.limits.header_size', limits.headerSize, next.limits.headerSize),
      targetSize: keep('listen.limits.target_size', limits.targetSize, next.limits.targetSize),
      connections: keep('listen.limits.connections', limits.connections, next.limits.connections),
      connectionsPerClient: keep(
        'listen.limits.connections_per_client',
        limits.connectionsPerClient,
        next.limits.connectionsPerClient,
      ),
    },
  }
}

/** Certificate, key and CAs may change; whether there is TLS, and whether clients are asked for a certificate, may not. */
const keepTls = (running: TlsOptions | undefined, next: TlsOptions | undefined, keep: Keep): TlsOptions | undefined => {
  if (running === undefined || next === undefined) return keep('listen.tls', running, next)
  return {
    ...next,
    clientCertificates: keep('listen.tls.client_certificates', running.clientCertificates, next.clientCertificates),
  }
}
