import { z } from 'zod'
import { isReservedField } from '../decision/field-names.ts'

/** One upstream entry, as the forwarder needs it. Durations in milliseconds. */
export interface UpstreamOptions {
  /** Scheme, host and port: `http://127.0.0.1:3000`. */
  readonly origin: string
  /** `Host` towards the upstream (HS-26). */
  readonly authority: string
  /** `''` or a canonical path that may end in a slash. */
  readonly basePath: string
  readonly authorization: 'forward' | 'strip'
  readonly identityHeaders: readonly { readonly name: string; readonly claim: string }[]
  readonly timeouts: { readonly connectMs: number; readonly responseMs: number; readonly idleMs: number }
  readonly pool: { readonly connections: number }
}

/** One reading of `30s` for every room; the composition of the config brings it. */
type Duration = (min: string, max: string) => z.ZodType<number, string>

const later = () => z.never({ error: 'is not supported yet' }).optional().describe('Not supported yet.')

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
      connections: z.int().min(1).max(65535).prefault(128).describe('Connections that may be open at a time.'),
    })
    .prefault({})
    .describe('The connections to the upstream.'),
  retries: z
    .literal(1, { error: 'other than `1` is not supported yet' })
    .optional()
    .describe('Not supported yet: only `1`.'),
  replicas: z
    .array(z.string())
    .max(0, { error: 'are not supported yet' })
    .optional()
    .describe('Not supported yet: only `[]`.'),
  websocket: z
    .literal(true, { error: 'other than `true` is not supported yet' })
    .optional()
    .describe('Not supported yet: only `true`.'),
  protocol: z
    .literal('http1', { error: 'other than `http1` is not supported yet' })
    .optional()
    .describe('Not supported yet: only `http1`.'),
  health_check: later(),
  tls: later(),
})

type UpstreamInput = z.output<z.ZodObject<ReturnType<typeof upstreamShape>>>

/** @param base where the upstream is, from the entry's key */
export const toUpstreamOptions = (
  entry: UpstreamInput,
  base: Pick<UpstreamOptions, 'origin' | 'authority' | 'basePath'>,
): UpstreamOptions => ({
  ...base,
  authorization: entry.authorization,
  identityHeaders: Object.entries(entry.identity_headers).map(([name, claim]) => ({ name, claim })),
  timeouts: {
    connectMs: entry.timeouts.connect,
    responseMs: entry.timeouts.response,
    idleMs: entry.timeouts.idle,
  },
  pool: entry.pool,
})

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
