import { type Config, ownedFields } from '../config/config.ts'
import { authorize, type Candidate } from '../decision/authorize.ts'
import { answerRefusal } from '../decision/challenge.ts'
import { admit, type Where } from '../decision/decide.ts'
import { nearMiss } from '../decision/near-miss.ts'
import type { Refusal } from '../decision/refusal.ts'
import type { StepReport } from '../decision/step.ts'
import { protectedNames, readHead } from '../http/head.ts'
import { metadataAnswer, type OwnAnswer, refusalAnswer } from '../http/reply.ts'
import { systemClock } from '../keys/clock.ts'
import { createKeySource } from '../keys/index.ts'
import { silentKeyEvents } from '../keys/silent.ts'
import { detail } from '../observe/detail.ts'
import { createTokenVerifier } from '../token/index.ts'
import { inspect } from '../token/inspect.ts'
import { upstreamPath } from '../upstream/forward.ts'
import type { Explanation } from './explanation.ts'

/** The request to explain, as the command line puts it. */
export interface AskedRequest {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  /** Whether the URL says https. */
  readonly secure: boolean
  /** Seconds since the epoch. */
  readonly now: number
}

/** Decides with the very functions of the server; nothing is sent to an upstream. Keys are loaded where they are needed. */
export const explainRequest = async (config: Config, asked: AskedRequest): Promise<Explanation> => {
  const steps: StepReport[] = []
  const step = (report: StepReport): void => void steps.push(report)
  const head = readHead(
    { rawHeaders: asked.rawHeaders, httpVersionMajor: 1, httpVersionMinor: 1 },
    config.listen.limits,
    config.requestId.header.toLowerCase(),
    protectedNames(ownedFields(config)),
  )
  const fault = 'reason' in head ? detail(head) : undefined
  step({ name: 'framing', expected: 'a well-formed message', found: fault ?? 'one', ok: fault === undefined })
  if ('reason' in head) return refused(config, head, nowhere, steps)
  const { limits, requireHttps } = config.listen
  const admission = admit(
    {
      method: asked.method,
      target: asked.target,
      authority: head.host,
      authorization: head.authorization,
      secure: asked.secure,
    },
    config.resources,
    { targetSize: limits.targetSize, requireHttps },
    step,
  )
  const { where } = admission
  switch (admission.kind) {
    case 'refused':
      return refused(config, admission.refusal, where, steps)
    case 'metadata':
      return { ...allowed(where, steps), response: shown(metadataAnswer(admission.resource)) }
    case 'public':
      return forwarded(config, where, admission.pass.match.suffix, steps)
    case 'candidate':
      return explainToken(config, admission.candidate, where, asked.now, steps, step)
  }
}

const explainToken = async (
  config: Config,
  candidate: Candidate,
  where: Where,
  now: number,
  steps: StepReport[],
  step: (report: StepReport) => void,
): Promise<Explanation> => {
  const { resource } = candidate.match
  const { header, claims } = inspect(candidate.credential)
  const issuers = config.issuers
    .filter(({ name }) => resource.issuers.includes(name))
    .map((issuer) => ({
      ...issuer,
      keys: createKeySource(
        { name: issuer.name, issuer: issuer.issuer, keys: issuer.keys, algorithms: issuer.token.algorithms },
        { events: silentKeyEvents, clock: systemClock, random: Math.random },
      ),
    }))
  try {
    await Promise.all(issuers.map(({ keys }) => keys.started))
    const verifier = createTokenVerifier({
      issuers,
      tokenSize: config.listen.limits.tokenSize,
      cacheBytes: 1024 * 1024,
      events: { cache: () => undefined, validated: () => undefined },
    })
    const verified = await verifier.verify(candidate.credential, resource.issuers, now)
    step({
      name: 'token',
      expected: `a token of ${issuers.map(({ issuer, token }) => `${issuer} (profile ${token.profile})`).join(' or ')}`,
      found: `${verified.ok ? 'proven' : detail(verified.refusal)}; ${describeToken(header, claims)}`,
      ok: verified.ok,
    })
    if (!verified.ok) return refused(config, verified.refusal, where, steps)
    const tolerance = issuers.find(({ name }) => name === verified.value.issuer)?.token.clockToleranceSeconds ?? 0
    const outcome = authorize(candidate, verified.value, now, tolerance, step)
    if (!outcome.ok) return refused(config, outcome.refusal, where, steps)
    return forwarded(config, where, candidate.match.suffix, steps)
  } finally {
    await Promise.all(issuers.map(({ keys }) => keys.close()))
  }
}

/** What a person looks for first. Neither the token nor its signature is ever printed. */
const describeToken = (
  header: Readonly<Record<string, unknown>> | undefined,
  claims: Readonly<Record<string, unknown>> | undefined,
): string => {
  if (!header) return 'it is no JWT'
  const shown = {
    typ: header.typ,
    alg: header.alg,
    kid: header.kid,
    iss: claims?.iss,
    aud: claims?.aud,
    scope: claims?.scope,
    exp: claims?.exp,
  }
  return Object.entries(shown)
    .map(([name, value]) => `${name} ${value === undefined ? 'absent' : JSON.stringify(value).slice(0, 200)}`)
    .join(', ')
}

const nowhere: Where = { authority: '', path: '', query: '', resource: undefined, route: undefined }

const allowed = (where: Where, steps: readonly StepReport[]): Explanation => ({
  decision: 'allow',
  reason: 'none',
  resource: where.resource?.name,
  route: where.route?.key,
  steps,
  detail: undefined,
  near_miss: undefined,
  upstream: undefined,
  response: undefined,
})

const forwarded = (config: Config, where: Where, suffix: string, steps: readonly StepReport[]): Explanation => {
  const options = where.resource && config.upstreams[where.resource.index]?.options
  return { ...allowed(where, steps), upstream: options && `${options.origin}${upstreamPath(options.basePath, suffix)}` }
}

const refused = (config: Config, refusal: Refusal, where: Where, steps: readonly StepReport[]): Explanation => ({
  ...allowed(where, steps),
  decision: 'deny',
  reason: refusal.reason,
  detail: detail(refusal),
  near_miss: nearMiss(refusal, where.resource),
  response: shown(refusalAnswer(answerRefusal(refusal, where, 'the request id', config.refusals.exposeReason))),
})

/** The answer as it would go over the wire, but for the fields that every answer has (date, request id, length). */
const shown = ({ status, headers, contentType, cacheControl, body }: OwnAnswer): Explanation['response'] => {
  const fields: Record<string, string> = { 'Content-Type': contentType, 'Cache-Control': cacheControl }
  for (let i = 0; i + 1 < headers.length; i += 2) fields[headers[i] ?? ''] = headers[i + 1] ?? ''
  return { status, headers: fields, body: JSON.parse(body) }
}
