import { z } from 'zod'
import { isReservedField } from '../decision/field-names.ts'

/** The public listener. Durations in milliseconds, sizes in bytes, 0 = no limit. */
export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly trustedProxies: readonly string[]
  readonly requireHttps: boolean
  /** Whether a request that a front proxy got as early data is refused unless its method is safe (RFC 8470). */
  readonly refuseEarlyData: boolean
  /** Undefined: plain HTTP. */
  readonly tls: TlsOptions | undefined
  readonly timeouts: {
    readonly headerMs: number
    readonly idleMs: number
    readonly bodyIdleMs: number
    /** For a whole request message; 0 = no limit. */
    readonly requestMs: number
    /** After so long the next answer ends the connection; 0 = no limit. */
    readonly connectionMs: number
    readonly drainDelayMs: number
    readonly drainMs: number
  }
  readonly limits: {
    readonly headerSize: number
    readonly targetSize: number
    readonly tokenSize: number
    readonly bodySize: number
    readonly connections: number
    /** Of one peer address, unless it is a trusted proxy. */
    readonly connectionsPerClient: number
    /** After so many the answer ends the connection. */
    readonly requestsPerConnection: number
  }
}

/** TLS of the public listener, ready to use. */
export interface TlsOptions {
  /** PEM text, leaf first. */
  readonly certificate: string
  /** PEM text; never shown. */
  readonly key: string
  /**
   * `request`: asked for, and whatever comes serves as proof of possession, whoever signed it (MT-3); `require`: no
   * connection without one. With `clientCa`, a certificate that is not theirs counts as none.
   */
  readonly clientCertificates: 'ignore' | 'request' | 'require'
  /** PEM text of the CAs of client certificates. */
  readonly clientCa: string | undefined
  /** Absolute paths of where these texts came from, to be read again. */
  readonly files: { readonly certificate: string; readonly key: string; readonly clientCa: string | undefined }
}

export interface AdminOptions {
  readonly host: string
  readonly port: number
}

export interface ReadinessOptions {
  readonly keys: 'all' | 'any' | 'none'
  readonly maxWaitMs: number
}

/** One reading of `30s`, `16KiB` and `:8080` for every room; the composition of the config brings it. */
interface Fields {
  duration(min: string, max: string): z.ZodType<number, string>
  size(min: string, max: string): z.ZodType<number, string | number>
  address(): z.ZodType<AdminOptions, string | number>
  network(): z.ZodType<string, string>
}

/** `listen`: an address, or the whole map. */
export const listenSchema = ({ duration, size, address, network }: Fields) => {
  const whole = z.strictObject({
    address: address().prefault('0.0.0.0:8080'),
    trusted_proxies: z
      .array(network())
      .prefault([])
      .describe('Peers whose Forwarded, X-Forwarded-* and Client-Cert fields are believed.'),
    require_https: z
      .boolean()
      .prefault(false)
      .describe('Refuse what did not come over TLS, here or at a trusted proxy.'),
    refuse_early_data: z
      .boolean()
      .prefault(false)
      .describe('Answer 425 to a request with `Early-Data: 1` unless its method is safe (RFC 8470).'),
    timeouts: z
      .strictObject({
        header: duration('1ms', '10m').prefault('10s').describe('For the whole request header.'),
        idle: duration('1ms', '24h').prefault('75s').describe('Between two requests of a connection.'),
        body_idle: duration('1ms', '24h').prefault('60s').describe('Between two pieces of a request body.'),
        request: duration('0s', '24h').prefault('0s').describe('For a whole request with its body. 0s: no limit.'),
        connection: duration('0s', '24h')
          .prefault('0s')
          .describe('Age at which a connection ends with its next answer. 0s: no limit.'),
        drain_delay: duration('0s', '10m').prefault('0s').describe('How long SIGTERM lets new requests in.'),
        drain: duration('0s', '24h').prefault('30s').describe('How long what is in flight may take to end.'),
      })
      .prefault({})
      .describe('Timeouts towards clients.'),
    limits: z
      .strictObject({
        header_size: size('1KiB', '1MiB').prefault('16KiB').describe('Header section of a request.'),
        target_size: size('0', '1MiB').prefault('8KiB').describe('Request target. 0: only the header limit.'),
        token_size: size('0', '1MiB').prefault('8KiB').describe('Access token. 0: only the header limit.'),
        body_size: size('0', '1024GiB').prefault(0).describe('Request body. 0: no limit.'),
        connections: z.int().min(0).max(1_000_000).prefault(0).describe('Connections at a time. 0: no limit.'),
        connections_per_client: z
          .int()
          .min(0)
          .max(1_000_000)
          .prefault(0)
          .describe('Of one address, of IPv6 one /64, that is no trusted proxy. 0: no limit.'),
        requests_per_connection: z
          .int()
          .min(0)
          .max(1_000_000_000)
          .prefault(0)
          .describe('Requests after which a connection ends. 0: no limit.'),
      })
      .prefault({})
      .describe('Sizes beyond which a request is refused.'),
    tls: z
      .strictObject({
        certificate: z.string().describe('File with the certificate chain in PEM form, leaf first.'),
        key: z.string().describe('File with the private key in PEM form.'),
        client_certificates: z
          .enum(['ignore', 'request', 'require'], { error: 'must be ignore, request or require' })
          .prefault('ignore')
          .describe(
            'For certificate-bound tokens. `request`: clients are asked for one; `require`: no connection without.',
          ),
        client_ca: z
          .string()
          .optional()
          .describe('File with the CAs of client certificates: one of another CA counts as none.'),
      })
      .optional()
      .describe('TLS. Default: plain HTTP.'),
    http2: z
      .literal(false, { error: 'other than `false` is not supported yet' })
      .optional()
      .describe('Not supported yet: only `false`.'),
  })
  return z
    .union([address(), whole], { error: 'must be an address such as `127.0.0.1:8080`, or a map' })
    .prefault({})
    .transform((value): ListenInput => ('host' in value ? { ...whole.parse({}), address: value } : value))
    .describe('The public listener.')
}

/** `listen` as written, with its defaults. */
export interface ListenInput {
  readonly address: AdminOptions
  readonly trusted_proxies: string[]
  readonly require_https: boolean
  readonly refuse_early_data: boolean
  readonly timeouts: {
    header: number
    idle: number
    body_idle: number
    request: number
    connection: number
    drain_delay: number
    drain: number
  }
  readonly limits: {
    header_size: number
    target_size: number
    token_size: number
    body_size: number
    connections: number
    connections_per_client: number
    requests_per_connection: number
  }
  readonly tls?:
    | {
        readonly certificate: string
        readonly key: string
        readonly client_certificates: TlsOptions['clientCertificates']
        readonly client_ca?: string | undefined
      }
    | undefined
}

/** @param tls from `listen.tls`, with its files read */
export const toListenOptions = (listen: ListenInput, tls: TlsOptions | undefined): ListenOptions => ({
  ...listen.address,
  trustedProxies: listen.trusted_proxies,
  requireHttps: listen.require_https,
  refuseEarlyData: listen.refuse_early_data,
  tls,
  timeouts: {
    headerMs: listen.timeouts.header,
    idleMs: listen.timeouts.idle,
    bodyIdleMs: listen.timeouts.body_idle,
    requestMs: listen.timeouts.request,
    connectionMs: listen.timeouts.connection,
    drainDelayMs: listen.timeouts.drain_delay,
    drainMs: listen.timeouts.drain,
  },
  limits: {
    headerSize: listen.limits.header_size,
    targetSize: listen.limits.target_size,
    tokenSize: listen.limits.token_size,
    bodySize: listen.limits.body_size,
    connections: listen.limits.connections,
    connectionsPerClient: listen.limits.connections_per_client,
    requestsPerConnection: listen.limits.requests_per_connection,
  },
})

/** `admin`: an address, or `false`. */
export const adminSchema = ({ address }: Pick<Fields, 'address'>) =>
  z
    .union([z.literal(false), address()], { error: 'must be an address such as `127.0.0.1:9090`, or `false`' })
    .prefault('127.0.0.1:9090')
    .transform((value): AdminOptions | undefined => (value === false ? undefined : value))
    .describe('The admin listener (probes, metrics), or `false`.')

export const readinessSchema = ({ duration }: Pick<Fields, 'duration'>) =>
  z
    .strictObject({
      keys: z.enum(['all', 'any', 'none']).prefault('all').describe('Issuers whose keys must be there first.'),
      max_wait: duration('0s', '1h').prefault('60s').describe('After that time, ready all the same.'),
    })
    .prefault({})
    .transform(({ keys, max_wait }): ReadinessOptions => ({ keys, maxWaitMs: max_wait }))
    .describe('When the gateway calls itself ready after the start.')

export const refusalsSchema = z
  .strictObject({
    expose_reason: z
      .boolean()
      .prefault(true)
      .describe('`false`: bodies say `token_invalid` for the first group of 401 reasons.'),
    proxy_status: z
      .string()
      .regex(/^[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]{0,63}$/, { error: 'must be a token that names this deployment' })
      .optional()
      .describe(
        'Name of this deployment in a Proxy-Status field (RFC 9209) to trusted proxies. Default: no such field.',
      ),
  })
  .prefault({})
  .transform(({ expose_reason, proxy_status }) => ({ exposeReason: expose_reason, proxyStatus: proxy_status }))
  .describe('What refusals tell the client.')

export const requestIdSchema = z
  .strictObject({
    header: z
      .string()
      // Only what the gateway itself would let in: look-alikes such as X_Request_Id are dropped from requests.
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, { error: 'must be a field name of letters, digits and hyphens' })
      .refine((name) => !isReservedField(name.toLowerCase()), {
        error: 'must not be a field that HTTP or the gateway itself uses',
      })
      .prefault('X-Request-Id')
      .describe('Field that carries the id.'),
  })
  .prefault({})
  .describe('The id of each request.')

/** Strangers' trace context: sent on, or replaced by a trace that begins here (W3C Trace Context, TC-6). */
export const traceContextSchema = z
  .enum(['propagate', 'restart'], { error: 'must be propagate or restart' })
  .prefault('propagate')
  .describe('`restart`: the trace context of peers that are no trusted proxies is replaced by one that begins here.')

/** `forward_auth` has no default: it cannot be written yet. */
export const forwardAuthSchema = z.never({ error: 'is not supported yet' }).optional().describe('Not supported yet.')
