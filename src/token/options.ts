import { z } from 'zod'

/** How tokens of one issuer are read. */
export interface TokenOptions {
  readonly profile: 'rfc9068' | 'jwt'
  /** Never empty, never `none`, never HMAC. */
  readonly algorithms: readonly string[]
  readonly clockToleranceSeconds: number
  /** Claim names that replace the profile's. */
  readonly claims: { readonly scope: string | undefined; readonly clientId: string | undefined }
}

/** One reading of `30s` for every room; the composition of the config brings it. */
type Duration = (min: string, max: string) => z.ZodType<number, string>

const profiles = ['rfc9068', 'jwt'] as const
const laterProfiles: readonly unknown[] = ['logto', 'keycloak', 'auth0', 'entra', 'okta', 'cognito']

/** Asymmetric signatures only: with HS* a public key would be a shared secret (RFC 8725 section 3.1). */
const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

/** The keys of an issuer entry that this room obeys. */
export const tokenShape = (duration: Duration) => ({
  profile: z
    .enum(profiles, {
      error: ({ input }) =>
        laterProfiles.includes(input)
          ? `\`${String(input)}\` is not supported yet`
          : `must be ${profiles.join(' or ')}`,
    })
    .prefault('rfc9068')
    .describe('How this server writes access tokens.'),
  algorithms: z
    .array(z.enum(algorithms, { error: `must hold only ${algorithms.join(', ')}` }))
    .min(1, { error: 'must not be empty: no token could pass' })
    .prefault([...algorithms])
    .describe('Signature algorithms that are accepted.'),
  clock_tolerance: duration('0s', '300s')
    .prefault('30s')
    .describe('How far clocks may differ when times of a token are judged.'),
  claims: z
    .strictObject({
      scope: claimName.optional().describe('Claim that holds the scopes.'),
      client_id: claimName.optional().describe('Claim that names the client.'),
    })
    .prefault({})
    .describe('Claim names that replace those of the profile.'),
  max_token_age: z.never({ error: 'is not supported yet' }).optional().describe('Not supported yet.'),
  introspection: z.never({ error: 'is not supported yet' }).optional().describe('Not supported yet.'),
  decryption: z.never({ error: 'is not supported yet' }).optional().describe('Not supported yet.'),
})

const claimName = z.string().min(1, { error: 'must name a claim' })

type TokenInput = z.output<z.ZodObject<ReturnType<typeof tokenShape>>>

export const toTokenOptions = (entry: TokenInput): TokenOptions => ({
  profile: entry.profile,
  algorithms: [...new Set(entry.algorithms)],
  clockToleranceSeconds: entry.clock_tolerance / 1000,
  claims: { scope: entry.claims.scope, clientId: entry.claims.client_id },
})

/** `dpop`: only its defaults can be written so far. */
export const dpopSchema = z
  .strictObject({
    proof_age: z.literal('60s', { error: 'other than `60s` is not supported yet' }).optional(),
    nonces: z.literal(false, { error: 'other than `false` is not supported yet' }).optional(),
    algorithms: z
      .array(z.string())
      .refine((list) => list.join() === 'ES256,ES384,PS256,RS256,EdDSA,Ed25519', {
        error: 'other than the default list is not supported yet',
      })
      .optional(),
  })
  .optional()
  .describe('Not supported yet: only the default values are accepted.')
