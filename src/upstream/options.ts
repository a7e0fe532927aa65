import { z } from 'zod'
import { isReservedField } from '../decision/field-names.ts'

/** One upstream entry, as the forwarder needs it. Durations in milliseconds. */
export interface UpstreamOptions {
  /** Where the API runs: the key of the entry first, then its `replicas`. Never empty. */
  readonly replicas: readonly ReplicaOptions[]
  readonly balance: 'round_robin' | 'least_pending'
  readonly authorization: 'forward' | 'strip'
  readonly identityHeaders: readonly { readonly name: string; readonly claim: string }[]
  readonly timeouts: { readonly connectMs: number; readonly responseMs: number; readonly idleMs: number }
  /** `connections` is for each replica; `queue` is how many requests may wait for one, of all replicas together. */
  readonly pool: { readonly connections: number; readonly queue: number }
  /** How many times a request that failed may be sent again, where RFC 9110 section 9.2.2 allows it (HS-16). */
  readonly retries: number
  /** Undefined: nobody asks, and every replica counts as healthy until requests to it fail. */
  readonly healthCheck: HealthCheckOptions | undefined
  /** Undefined: no replica is left out because requests to it failed. */
  readonly ejection: EjectionOptions | undefined
  /** Undefined: the authorities that the platform trusts, and no certificate of our own. */
  readonly tls: UpstreamTls | undefined
  /** Undefined: an upgrade is not relayed, the request goes on as plain HTTP (WS-2). */
  readonly websocket: WebSocketOptions | undefined
}

/** One place where the API runs. */
export interface ReplicaOptions {
  /** The base URI as written in the config: the label `upstream` of `audgate_upstream_healthy`. */
  readonly name: string
  /** Scheme, host and port: `http://127.0.0.1:3000`; of a socket `http://localhost`. */
  readonly origin: string
  /** `Host` towards the replica (HS-26); `localhost` for a socket. */
  readonly authority: string
  /** `''` or a canonical path that may end in a slash. */
  readonly basePath: string
  /** Absolute path of a Unix domain socket; undefined: TCP. */
  readonly socketPath: string | undefined
}

/** Asked for by the gateway itself, without any credential; good is a status of 200 to 299 in time. */
export interface HealthCheckOptions {
  /** From the root of the replica's origin, not below its base path. */
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** So many good answers in a row make an unhealthy replica healthy … */
  readonly healthy: number
  /** … and so many failures in a row the other way round. */
  readonly unhealthy: number
}

/** Passive: from the outcome of real requests. The last replica that is left is never ejected. */
export interface EjectionOptions {
  /** So many failures in a row (no connection, broken off, no answer in time); an answer of any status is none. */
  readonly failures: number
  readonly durationMs: number
}

/** Files already read and vetted. */
export interface UpstreamTls {
  /** PEM text of the only authorities that count; undefined: those of the platform. */
  readonly ca: string | undefined
  /** Our certificate and its key as PEM text (mTLS); both or none. The key is never shown. */
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** SNI, and the name that the upstream's certificate must have; undefined: the host of the URI. */
  readonly serverName: string | undefined
  /** Absolute paths of where these texts came from, to be read again. */
  readonly files: {
    readonly ca: string | undefined
    readonly certificate: string | undefined
    readonly key: string | undefined
  }
}

export interface WebSocketOptions {
  /** Close the tunnel when the token expires (with the issuer's clock tolerance). Never on a public route. */
  readonly closeAtExpiry: boolean
  /** Without an octet in either direction. */
  readonly idleMs: number
  /** Whole life of a tunnel. */
  readonly maxMs: number
  /** Values of `Origin` that may open one; a request without `Origin` is no browser's (WS-8). Undefined: any. */
  readonly origins: readonly string[] | undefined
}

/** One reading of `30s` for every room; the composition of the config brings it. */
type Duration = (min: string, max: string) => z.ZodType<number, string>

/** The keys of an upstream entry that this room obeys. */
export const upstreamShape = (duration: Duration) => ({
  authorization: z
    .enum(['forward', 'strip'], {
      error: ({ input }) =>
        typeof input === 'object' && input !== null ? 'with a map is not supported yet' : 'must be forward or strip',
    })
    .prefault('forward')
    .describe('What becomes of the access token: sent on, or taken out.'),
  identity_headers: z
    .record(z.string(), z.string().min(1, { error: 'must name a claim' }))
    .prefault({})
    .check((context) => {
      for (const { name, fault } of headerFaults(Object.keys(context.value))) {
        context.issues.push({
          code: 'custom',
          input: context.value,
          path: [name],
          message: fault,
          params: { on: 'key' },
        })
      }
    })
    .describe(
      'Fields that tell the upstream who calls: name of the field, and the claim it carries, by its path (`realm_access.roles`).',
    ),
  timeouts: z
    .strictObject({
      connect: duration('1ms', '5m').prefault('5s').describe('For the connection.'),
      response: duration('1ms', '24h')
        .prefault('30s')
        .describe('Until the response header; also the wait for a free connection.'),
      idle: duration('1ms', '24h')
        .prefault('5m')
        .describe('Between two pieces of the response body, from the upstream or to a client that does not read.'),
    })
    .prefault({})
    .describe('Timeouts towards the upstream.'),
  pool: z
    .strictObject({
      connections: z.int().min(1).max(65535).prefault(128).describe('Connections to each replica at a time.'),
      queue: z.int().min(0).max(65535).prefault(1024).describe('Requests that may wait for a connection.'),
    })
    .prefault({})
    .describe('The connections to the upstream.'),
  retries: z
    .int()
    .min(0)
    .max(10)
    .prefault(1)
    .describe('How often a request that failed is sent again where that is safe, to another replica if there is one.'),
  replicas: z.array(z.string()).prefault([]).describe('Further base URIs where the same API runs.'),
  balance: z
    .enum(['round_robin', 'least_pending'], { error: 'must be round_robin or least_pending' })
    .prefault('round_robin')
    .describe('Which replica is next: each in turn, or the one with the fewest requests in flight.'),
  health_check: z
    .strictObject({
      path: z
        .string()
        .regex(/^\/[\x21-\x7e]*$/, { error: 'must be a path that begins with `/`' })
        .refine((path) => !path.includes('#'), { error: 'must not have a fragment' })
        .describe('Asked for with GET at the root of each replica; 200 to 299 is good.'),
      interval: duration('100ms', '1h').prefault('5s').describe('Between two checks of a replica.'),
      timeout: duration('1ms', '1m').prefault('2s').describe('For the whole answer.'),
      healthy: z.int().min(1).max(100).prefault(2).describe('Good answers in a row that bring a replica back.'),
      unhealthy: z.int().min(1).max(100).prefault(3).describe('Failures in a row that take it out.'),
    })
    .optional()
    .describe('Asks each replica how it is. Default: nobody asks.'),
  ejection: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          failures: z.int().min(1).max(1000).prefault(5).describe('Failed requests in a row.'),
          duration: duration('100ms', '1h').prefault('10s').describe('How long the replica is left out.'),
        }),
      ],
      { error: 'must be a map or `false`' },
    )
    .prefault({})
    .describe('Leaves a replica out for a while when requests to it fail, or `false`. The last one stays.'),
  websocket: z
    .union(
      [
        z.boolean(),
        z.strictObject({
          close_at_expiry: z.boolean().prefault(false).describe('Close when the access token expires.'),
          idle: duration('1s', '24h').prefault('5m').describe('Without a byte in either direction.'),
          max: duration('1s', '8760h').prefault('24h').describe('Whole life of a tunnel.'),
          origins: z
            .array(
              z.string().regex(/^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#,]+)$/, {
                error: 'must be an origin such as `https://app.example.com`',
              }),
            )
            .min(1, { error: 'must not be empty: leave it out for any' })
            .optional()
            .describe('Origins of web pages that may open one, compared exactly. Default: any.'),
        }),
      ],
      { error: 'must be true, false or a map' },
    )
    .prefault(true)
    .describe('WebSocket tunnels: `true`, `false` (a handshake goes on as plain HTTP), or a map.'),
  tls: z
    .strictObject({
      ca_file: z.string().optional().describe('File with the only CAs that count. Default: those of the platform.'),
      certificate: z.string().optional().describe('File with our own certificate in PEM form, leaf first.'),
      key: z.string().optional().describe('File with its private key in PEM form.'),
      server_name: z
        .string()
        .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, { error: 'must be a host name' })
        .optional()
        .describe('Name that is asked for (SNI) and that the certificate must have. Default: the host of the URI.'),
    })
    .refine((tls) => Object.keys(tls).length > 0, { error: 'must not be empty' })
    .meta({ minProperties: 1 })
    .optional()
    .describe('TLS to an `https:` upstream. Default: verified with the CAs of the platform.'),
  protocol: z
    .literal('http1', { error: 'other than `http1` is not supported yet' })
    .optional()
    .describe('Not supported yet: only `http1`.'),
})

type UpstreamInput = z.output<z.ZodObject<ReturnType<typeof upstreamShape>>>

/**
 * @param replicas from the entry's key and its `replicas`
 * @param tls from `tls`, with its files read
 */
export const toUpstreamOptions = (
  entry: UpstreamInput,
  replicas: readonly ReplicaOptions[],
  tls: UpstreamTls | undefined,
): UpstreamOptions => ({
  replicas,
  balance: entry.balance,
  authorization: entry.authorization,
  identityHeaders: Object.entries(entry.identity_headers).map(([name, claim]) => ({ name, claim })),
  timeouts: {
    connectMs: entry.timeouts.connect,
    responseMs: entry.timeouts.response,
    idleMs: entry.timeouts.idle,
  },
  pool: entry.pool,
  retries: entry.retries,
  healthCheck: entry.health_check && {
    path: entry.health_check.path,
    intervalMs: entry.health_check.interval,
    timeoutMs: entry.health_check.timeout,
    healthy: entry.health_check.healthy,
    unhealthy: entry.health_check.unhealthy,
  },
  ejection: entry.ejection === false ? undefined : toEjection(entry.ejection),
  tls,
  websocket: toWebSocket(entry.websocket),
})

const toEjection = ({ failures, duration }: Exclude<UpstreamInput['ejection'], false>): EjectionOptions => ({
  failures,
  durationMs: duration,
})

const toWebSocket = (websocket: UpstreamInput['websocket']): WebSocketOptions | undefined => {
  if (websocket === false) return undefined
  if (websocket === true) return { closeAtExpiry: false, idleMs: 300_000, maxMs: 86_400_000, origins: undefined }
  return {
    closeAtExpiry: websocket.close_at_expiry,
    idleMs: websocket.idle,
    maxMs: websocket.max,
    origins: websocket.origins,
  }
}

function* headerFaults(names: readonly string[]): Generator<{ name: string; fault: string }> {
  const seen = new Set<string>()
  for (const name of names) {
    const lower = name.toLowerCase()
    // Upstreams fold `_` and `.` into `-` (CGI, WSGI): only names that no other spelling can imitate.
    if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(name)) {
      yield { name, fault: 'must be a field name of letters, digits and hyphens' }
    } else if (isReservedField(lower)) {
      yield { name, fault: 'is a field that HTTP or the gateway itself uses' }
    } else if (seen.has(lower)) {
      yield { name, fault: 'is there twice: field names do not differ by case' }
    }
    seen.add(lower)
  }
}
