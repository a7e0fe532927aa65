import { z } from 'zod'

/** Where an issuer's keys come from, and how they are kept fresh. Durations in milliseconds. */
export interface KeyOptions {
  readonly source:
    | { readonly kind: 'discovery' }
    | { readonly kind: 'jwks_uri'; readonly url: string }
    | { readonly kind: 'jwks_file'; readonly file: string }
    | { readonly kind: 'jwks'; readonly jwks: { readonly keys: readonly Record<string, unknown>[] } }
    | { readonly kind: 'pem_file'; readonly file: string }
    /** A shared secret for HMAC, the only source of one (JO-4). */
    | { readonly kind: 'secret_file'; readonly file: string }
  /** Pins the discovery document. */
  readonly metadataUrl: string | undefined
  /** PEM text of a private CA for calls to this server. */
  readonly ca: string | undefined
  readonly refresh: {
    readonly intervalMs: number
    readonly maxStaleMs: number
    readonly cooldownMs: number
    readonly timeoutMs: number
  }
  readonly allowHttp: boolean
}

/** HMAC algorithms with the bytes of their hash, which the secret must have at least (RFC 7518 section 3.2). */
export const hmacBytes: ReadonlyMap<string, number> = new Map([
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
])

/** The bytes of a secret: one newline at the end of its file is the editor's, not the secret's. */
export const withoutNewline = (bytes: Uint8Array): Uint8Array => {
  if (bytes.at(-1) !== 0x0a) return bytes
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1)
}

/** One reading of `30s` for every room; the composition of the config brings it. */
type Duration = (min: string, max: string) => z.ZodType<number, string>

const keysForm =
  'must be `discovery`, or one of {jwks_uri: …} {jwks_file: …} {jwks: {keys: […]}} {pem_file: …} {secret_file: …}'

/** The keys of an issuer entry that this room obeys. URLs are judged, and files read, where the config is compiled. */
export const keyShape = (duration: Duration) => ({
  keys: z
    .union(
      [
        z.literal('discovery'),
        z
          .strictObject({
            jwks_uri: z.string().optional().describe('URL of the key set.'),
            jwks_file: z.string().optional().describe('File with the key set.'),
            jwks: z
              .strictObject({
                keys: z
                  .array(z.record(z.string(), z.json({ error: 'must be JSON' })))
                  .min(1, { error: 'must not be empty: no token could pass' }),
              })
              .optional()
              .describe('The key set itself.'),
            pem_file: z.string().optional().describe('File with public keys or certificates in PEM form.'),
            secret_file: z
              .string()
              .optional()
              .describe('File with the secret that is shared with the server, for HS*.'),
          })
          .refine((sources) => Object.keys(sources).length === 1, { error: `${keysForm}: exactly one` })
          .meta({ minProperties: 1, maxProperties: 1 }),
      ],
      { error: keysForm },
    )
    .prefault('discovery')
    .describe('Where the keys come from.'),
  metadata_url: z.string().optional().describe('Pins the URL of the discovery document.'),
  refresh: z
    .strictObject({
      interval: duration('1ms', '480h').prefault('10m').describe('Time between two refreshes.'),
      max_stale: duration('0s', '480h')
        .prefault('24h')
        .describe('How long keys serve while refreshing fails. `0s`: not at all.'),
      cooldown: duration('1ms', '24h').prefault('30s').describe('Least time between two fetches for unknown keys.'),
      timeout: duration('1ms', '5m').prefault('5s').describe('Time for one fetch.'),
    })
    .prefault({})
    .describe('How keys are kept fresh.'),
  ca_file: z.string().optional().describe('Private CA for calls to this server, in PEM form.'),
  dangerously_allow_http: z
    .boolean()
    .prefault(false)
    .describe('Accept http:// beyond loopback: whoever is on the way can put in keys of their own.'),
})

type KeyInput = z.output<z.ZodObject<ReturnType<typeof keyShape>>>

/**
 * @param source from `keys`, with files made absolute
 * @param ca text of `ca_file`
 */
export const toKeyOptions = (entry: KeyInput, source: KeyOptions['source'], ca: string | undefined): KeyOptions => ({
  source,
  metadataUrl: entry.metadata_url,
  ca,
  refresh: {
    intervalMs: entry.refresh.interval,
    maxStaleMs: entry.refresh.max_stale,
    cooldownMs: entry.refresh.cooldown,
    timeoutMs: entry.refresh.timeout,
  },
  allowHttp: entry.dangerously_allow_http,
})
