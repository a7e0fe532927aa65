import { z } from 'zod'
import { devSchema } from '../dev/options.ts'
import {
  adminSchema,
  forwardAuthSchema,
  listenSchema,
  readinessSchema,
  refusalsSchema,
  requestIdSchema,
  traceContextSchema,
} from '../http/options.ts'
import { keyShape } from '../keys/options.ts'
import { logSchema } from '../observe/options.ts'
import { storeSchema } from '../store/options.ts'
import { proofSchema, tokenShape } from '../token/options.ts'
import { upstreamSchema } from './entry-schema.ts'
import { fields } from './fields.ts'

/** More would have each other's processors. */
const mostWorkers = 128

const issuer = z
  .strictObject({
    issuer: z.string().describe('Compared with `iss`, character for character.'),
    ...tokenShape(fields.duration),
    ...keyShape(fields.duration),
  })
  .meta({ id: 'Issuer', description: 'An authorization server.' })

const issuerDefaults = issuer.parse({ issuer: '' })

/** The whole file: every room's options, assembled. The single source of the keys that exist. */
export const schema = z
  .strictObject({
    listen: listenSchema(fields),
    admin: adminSchema(fields),
    store: storeSchema,
    refusals: refusalsSchema,
    readiness: readinessSchema(fields),
    dpop: proofSchema(fields.duration),
    forward_auth: forwardAuthSchema,
    log: logSchema,
    request_id: requestIdSchema,
    trace_context: traceContextSchema,
    workers: z
      .union([z.int().min(1, { abort: true }).max(mostWorkers, { abort: true }), z.literal('auto')], {
        error: `must be a number from 1 to ${mostWorkers}, or \`auto\``,
      })
      .prefault(1)
      .describe(
        'Processes that share the port: a number, or `auto` for one a processor that the container may use. Pools, caches and limits are those of each.',
      ),
    issuers: z
      .record(
        z.string(),
        z.union([z.string(), issuer], { error: 'must be the URL of an authorization server, or a map with `issuer`' }),
      )
      .describe('The authorization servers whose tokens count, each under a name.'),
    upstreams: z
      .record(z.string(), upstreamSchema)
      .describe('What is served: base URI of an upstream, and the resource that it is.'),
    dev: devSchema(fields.duration).optional(),
  })
  .meta({ title: 'Audgate', description: 'Config file of Audgate, the gateway for audience-restricted tokens.' })

export type FileInput = z.output<typeof schema>
/** An issuer's map; its string form is expanded by {@link bareIssuer}. */
export type IssuerInput = Exclude<FileInput['issuers'][string], string>

/** What the URL alone stands for. */
export const bareIssuer = (issuer: string): IssuerInput => ({ ...issuerDefaults, issuer })
