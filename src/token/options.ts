import { z } from 'zod'

/** How tokens of one issuer are read. */
export interface TokenOptions {
  readonly profile: (typeof profiles)[number]
  /** Never empty, never `none`; HMAC only, or no HMAC at all, as the issuer's keys are a shared secret or not (JO-4). */
  readonly algorithms: readonly string[]
  readonly clockToleranceSeconds: number
  /** Longest time since `iat`; undefined: no such limit. */
  readonly maxTokenAgeSeconds: number | undefined
  /** RFC 7662; undefined: opaque tokens of this issuer are refused. */
  readonly introspection: IntrospectionOptions | undefined
  /** Nested JWE; undefined: encrypted tokens of this issuer are refused (AT-15). */
  readonly decryption: DecryptionOptions | undefined
  /** Claim names that replace the profile's. */
  readonly claims: { readonly scope: string | undefined; readonly clientId: string | undefined }
}

/** How the introspection endpoint of one issuer is asked. */
export interface IntrospectionOptions {
  /** Undefined: `introspection_endpoint` of the issuer's metadata. */
  readonly endpoint: string | undefined
  readonly clientId: string
  readonly auth: (typeof introspectionAuth)[number]
  /** Absolute path: the client secret, or for `private_key_jwt` the private key as JWK or PEM. Read when it is used. */
  readonly credentialFile: string
  /** `jwt`: RFC 9701, and anything else that the server says is no answer. */
  readonly response: 'json' | 'jwt'
  /** How long an answer counts, at most; 0: every request asks. */
  readonly cacheMs: number
}

/** With which keys tokens of one issuer are decrypted. */
export interface DecryptionOptions {
  /** Absolute path of a JWKS with private keys. */
  readonly file: string
  /** Refuse tokens of this issuer that are not encrypted (AT-15). */
  readonly required: boolean
}

/** One reading of `30s` for every room; the composition of the config brings it. */
type Duration = (min: string, max: string) => z.ZodType<number, string>

const profiles = ['rfc9068', 'logto', 'keycloak', 'auth0', 'entra', 'okta', 'cognito', 'jwt'] as const
const introspectionAuth = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const

/** What is accepted by default. Asymmetric signatures only: with HS* a public key would be a shared secret (RFC 8725 §3.1). */
const asymmetric = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const
/** Counts only with `keys: {secret_file: …}`, which is judged where the config is compiled (JO-4). */
const algorithms = [...asymmetric, 'HS256', 'HS384', 'HS512'] as const

/** The keys of an issuer entry that this room obeys. */
export const tokenShape = (duration: Duration) => ({
  profile: z
    .enum(profiles, { error: `must be one of ${profiles.join(', ')}` })
    .prefault('rfc9068')
    .describe('How this server writes access tokens.'),
  algorithms: z
    .array(z.enum(algorithms, { error: `must hold only ${algorithms.join(', ')}` }))
    .min(1, { error: 'must not be empty: no token could pass' })
    .prefault([...asymmetric])
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
  max_token_age: duration('1s', '8760h').optional().describe('Refuse tokens issued longer ago. Default: no limit.'),
  introspection: z
    .strictObject({
      endpoint: z.string().optional().describe('Default: from the metadata of the server.'),
      client_id: z.string().min(1, { error: 'must not be empty' }).describe('As which client the gateway asks.'),
      client_secret_file: z.string().optional().describe('File with the client secret.'),
      client_key_file: z
        .string()
        .optional()
        .describe('File with the private key for `auth: private_key_jwt`, as JWK or PEM.'),
      auth: z
        .enum(introspectionAuth, { error: `must be one of ${introspectionAuth.join(', ')}` })
        .prefault('client_secret_basic')
        .describe('How the gateway authenticates.'),
      response: z
        .enum(['json', 'jwt'], { error: 'must be json or jwt' })
        .prefault('json')
        .describe('`jwt`: signed responses (RFC 9701), and nothing else.'),
      cache: duration('0s', '1h').prefault('30s').describe('How long an answer counts at most. `0s`: not at all.'),
    })
    .optional()
    .describe('Accept opaque tokens of this server, by RFC 7662.'),
  decryption: z
    .strictObject({
      jwks_file: z.string().describe('File with the private keys, as JWK set. Read again when it changes.'),
      required: z.boolean().prefault(false).describe('Refuse tokens of this server that are not encrypted.'),
    })
    .optional()
    .describe('Accept encrypted access tokens: a signed JWT inside a JWE.'),
})

const claimName = z.string().min(1, { error: 'must name a claim' })

type TokenInput = z.output<z.ZodObject<ReturnType<typeof tokenShape>>>

/**
 * @param files those that the entry names, made absolute
 */
export const toTokenOptions = (
  entry: TokenInput,
  files: { readonly credential: string | undefined; readonly decryption: string | undefined },
): TokenOptions => ({
  profile: entry.profile,
  algorithms: [...new Set(entry.algorithms)],
  clockToleranceSeconds: entry.clock_tolerance / 1000,
  claims: { scope: entry.claims.scope, clientId: entry.claims.client_id },
  maxTokenAgeSeconds: entry.max_token_age === undefined ? undefined : entry.max_token_age / 1000,
  introspection:
    entry.introspection === undefined || files.credential === undefined
      ? undefined
      : {
          endpoint: entry.introspection.endpoint,
          clientId: entry.introspection.client_id,
          auth: entry.introspection.auth,
          credentialFile: files.credential,
          response: entry.introspection.response,
          cacheMs: entry.introspection.cache,
        },
  decryption:
    entry.decryption === undefined || files.decryption === undefined
      ? undefined
      : { file: files.decryption, required: entry.decryption.required },
})

/** `dpop`: what a proof of possession must be (RFC 9449). */
export interface ProofOptions {
  /** How old a proof may be. The clock of its client may be ahead by a tenth of that, and by 5 s at least. */
  readonly ageMs: number
  /** Ask for a nonce of ours in every proof. */
  readonly nonces: boolean
  /** Asymmetric only (DP-4). */
  readonly algorithms: readonly string[]
  /** What nonces are made with, at least 32 bytes; undefined: something random for each process. Never shown. */
  readonly nonceSecret: Uint8Array | undefined
}

const proofAlgorithms = ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519'] as const
const allProofAlgorithms = [...proofAlgorithms, 'ES512'] as const

export const proofSchema = (duration: Duration) =>
  z
    .strictObject({
      proof_age: duration('1s', '10m')
        .prefault('60s')
        .describe('How old a proof may be. The clock of a client may be a tenth of it ahead, at least 5 s.'),
      nonces: z.boolean().prefault(false).describe('Ask for a nonce of the gateway in every proof.'),
      nonce_secret_file: z
        .string()
        .optional()
        .describe(
          'File with the secret that nonces are made with, at least 32 bytes: the same for all replicas. Default: random.',
        ),
      algorithms: z
        .array(z.enum(allProofAlgorithms, { error: `must hold only ${allProofAlgorithms.join(', ')}` }))
        .min(1, { error: 'must not be empty: no proof could pass' })
        .prefault([...proofAlgorithms])
        .describe('Signature algorithms of proofs that are accepted.'),
    })
    .prefault({})
    .describe('Proofs of possession (DPoP, RFC 9449).')

type ProofInput = z.output<ReturnType<typeof proofSchema>>

/** @param nonceSecret what is in `nonce_secret_file` */
export const toProofOptions = (dpop: ProofInput, nonceSecret: Uint8Array | undefined): ProofOptions => ({
  ageMs: dpop.proof_age,
  nonces: dpop.nonces,
  algorithms: [...new Set(dpop.algorithms)],
  nonceSecret,
})
