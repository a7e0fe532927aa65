import { z } from 'zod'
import { upstreamShape } from '../upstream/options.ts'
import { fields } from './fields.ts'

const later = () => z.never({ error: 'is not supported yet' }).optional().describe('Not supported yet.')

/** All of them; a text is split at spaces, as in OAuth. */
const scopes = z.union([z.string(), z.array(z.string()).min(1, { error: 'must not be empty' })], {
  error: 'must be a text of scopes or a list of them',
})

const claimValue = z.union([z.string(), z.number(), z.boolean()])

const words = () => z.array(z.string().min(1, { error: 'must not be empty' }))

const ruleForm = 'must be a rule: `public`, `authenticated`, `deny`, scopes, or a map'

/** What a route needs. Words, scopes and claims are judged where routes are compiled. */
const rule = z
  .union(
    [
      z.string(),
      z
        .strictObject({
          scopes: scopes.optional().describe('All of these.'),
          any_scope: z
            .array(z.string())
            .min(1, { error: 'must not be empty: no token could pass' })
            .optional()
            .describe('At least one of these.'),
          claims: z
            .record(
              z.string(),
              z.union([claimValue, z.array(claimValue).min(1, { error: 'must not be empty: no token could pass' })], {
                error: 'must be a text, a number, true, false, or a list of them',
              }),
            )
            .refine((claims) => Object.keys(claims).length > 0, { error: 'must not be empty' })
            .meta({ minProperties: 1 })
            .optional()
            .describe(
              'Claim, by its path (`realm_access.roles`): the value that it, or one of its elements, must have, or a list of such; `{name}`: that segment.',
            ),
          acr: words()
            .min(1, { error: 'must not be empty: no token could pass' })
            .optional()
            .describe('How the user must have authenticated: one of these `acr` values, the best first (RFC 9470).'),
          max_age: fields.duration('0s', '8760h').optional().describe('How long ago at most (RFC 9470).'),
          sender_constrained: z
            .boolean()
            .optional()
            .describe('Only tokens that are bound to their sender, by DPoP or by a client certificate.'),
          authorization_details: z
            .strictObject({
              type: z.string().min(1, { error: 'must not be empty' }).describe('Of the element.'),
              actions: words()
                .min(1, { error: 'must not be empty: leave it out for any action' })
                .optional()
                .describe('All of these. Default: any.'),
              locations: words()
                .min(1, { error: 'must not be empty: leave it out for this resource' })
                .optional()
                .describe('One of these. Default: this resource, where any is named.'),
            })
            .optional()
            .describe('One element of the token’s `authorization_details` must have all of this (RFC 9396).'),
        })
        .refine((rule) => Object.values(rule).some((value) => value !== undefined && value !== false), {
          error: 'must not be empty: write `authenticated` for any valid token, `public`, or `deny`',
        }),
    ],
    { error: ruleForm },
  )
  .meta({ id: 'Rule', description: '`public`, `authenticated`, `deny`, scopes, or a map.' })

/** One resource behind an upstream: the decision's keys, and those of the room that forwards. */
const entry = z
  .strictObject({
    resource: z.string().describe('Resource indicator (RFC 8707): the audience that access tokens must carry.'),
    name: z
      .string()
      // What begins with `_` is a label of our own (`_unmatched`).
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, {
        error: 'must be letters, digits, `.`, `_` and `-`, and begin with a letter or a digit',
      })
      .optional()
      .describe('Label in metrics and log. Default: host and path of the indicator.'),
    at: z.string().optional().describe('Where clients reach it: a URI, or a path on any host. Default: the indicator.'),
    accept_audiences: z
      .array(z.string())
      .prefault([])
      .describe('Further audiences that name this resource, compared exactly.'),
    issuers: z
      .array(z.string())
      .min(1, { error: 'must not be empty: no token could pass' })
      .optional()
      .describe('Names of the issuers whose tokens count. Default: the only issuer.'),
    scopes: scopes.optional().describe('Needed on every route of this resource.'),
    sender_constrained: z
      .boolean()
      .prefault(false)
      .describe('Only tokens that are bound to their sender, on every route of this resource that needs one.'),
    routes: z
      .record(z.string(), rule)
      .refine((routes) => Object.keys(routes).length > 0, {
        error: 'must not be empty: leave it out, or name what may be reached',
      })
      .meta({ minProperties: 1 })
      .optional()
      .describe('`METHOD[,METHOD] /template`: what a request needs. Without routes: any valid token with `scopes`.'),
    otherwise: rule.optional().describe('For what no route matches. Default: `deny`.'),
    paths: z
      .strictObject({
        encoded_slashes: z.enum(['reject', 'pass']).prefault('reject').describe('`%2F` in a path.'),
        parameters: z.enum(['reject', 'pass']).prefault('reject').describe('`;` in a segment of a path.'),
      })
      .prefault({})
      .describe('Paths that some upstreams read in another way.'),
    metadata: z
      .union(
        [
          z.literal(false),
          z.strictObject({
            resource_name: z.string().min(1).optional().describe('For people.'),
            resource_documentation: z
              .string()
              .regex(/^https?:\/\/\S+$/, { error: 'must be an http(s) URL' })
              .optional()
              .describe('For developers.'),
            scopes_supported: z.array(z.string()).optional().describe('Default: `scopes`.'),
          }),
        ],
        { error: 'must be a map or `false`' },
      )
      .prefault({})
      .describe('RFC 9728 document of the resource, or `false`.'),
    ...upstreamShape(fields.duration),
    mode: z
      .literal('enforce', { error: 'other than `enforce` is not supported yet' })
      .optional()
      .describe('Not supported yet: only `enforce`.'),
    openapi: later(),
    rate_limit: later(),
    cors: later(),
  })
  .meta({ id: 'Resource', description: 'One API behind the gateway.' })

export type EntryInput = z.output<typeof entry>
export type RuleInput = z.output<typeof rule>

const entryForm = 'must be a resource indicator or a map with `resource`'

/** The value of an upstream: an indicator, a resource, or a list where one upstream serves several. */
export const upstreamSchema = z.union(
  [
    z.string(),
    entry,
    z
      .array(z.union([z.string(), entry], { error: entryForm }))
      .min(1, { error: 'must not be empty: it serves no resource' }),
  ],
  { error: `${entryForm}, or a list of them` },
)

const defaults = entry.parse({ resource: '' })

/** What a bare indicator stands for. */
export const bareEntry = (indicator: string): EntryInput => ({ ...defaults, resource: indicator })
