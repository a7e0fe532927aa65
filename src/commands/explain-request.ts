import { type Config, ownedFields } from '../config/config.ts'
import { answerRefusal } from '../decision/challenge.ts'
import { type Admission, admit, nowhere, type Where } from '../decision/decide.ts'
import { nearMiss } from '../decision/near-miss.ts'
import { publicUri } from '../decision/public-uri.ts'
import type { Refusal } from '../decision/refusal.ts'
import type { StepReport } from '../decision/step.ts'
import { forwardedThumbprint } from '../http/client-certificate.ts'
import { type Head, protectedNames, readHead } from '../http/head.ts'
import { judge } from '../http/judge.ts'
import { metadataAnswer, type OwnAnswer, refusalAnswer } from '../http/reply.ts'
import { createIssuer } from '../issuers.ts'
import { systemClock } from '../keys/clock.ts'
import { detail } from '../observe/detail.ts'
import { answerPolicyOf, noncesOf } from '../policies.ts'
import { createStore } from '../store/index.ts'
import { createProofVerifier } from '../token/dpop/proof-verifier.ts'
import { createTokenVerifier } from '../token/index.ts'
import { inspect } from '../token/inspect.ts'
import { upstreamPath } from '../upstream/forward.ts'
import type { ReplicaOptions } from '../upstream/options.ts'
import type { Explanation } from './explanation.ts'
import { quiet } from './quiet.ts'

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
      return explainToken(config, admission, head, asked, steps, step)
  }
}

const explainToken = async (
  config: Config,
  { candidate, where }: Extract<Admission, { kind: 'candidate' }>,
  head: Head,
  asked: AskedRequest,
  steps: StepReport[],
  step: (report: StepReport) => void,
): Promise<Explanation> => {
  const { resource } = candidate.match
  const { now } = asked
  const { header, claims } = inspect(candidate.credential)
  // A store of its own: to explain a proof must not use it up.
  const store = createStore({ kind: 'memory' }, quietStore)
  const issuers = config.issuers
    .filter(({ name }) => resource.issuers.includes(name))
    .map((issuer) => createIssuer(issuer, { store, clock: systemClock, monotonic, events: quiet }))
  try {
    await Promise.all(issuers.map(({ started }) => started))
    const verifier = createTokenVerifier({
      issuers,
      tokenSize: config.listen.limits.tokenSize,
      cache: 1024 * 1024,
      events: { cache: () => undefined, validated: () => undefined },
    })
    const verified = await verifier.verify(candidate.credential, resource.issuers, now)
    step({
      name: 'token',
      expected: `a token of ${issuers.map(({ issuer, token }) => `${issuer} (profile ${token.profile})`).join(' or ')}`,
      found: [verified.ok ? 'proven' : detail(verified.refusal), ...describeToken(header, claims)].join('; '),
      ok: verified.ok,
    })
    if (!verified.ok) return refused(config, verified.refusal, where, steps)
    const tolerance = issuers.find(({ name }) => name === verified.value.issuer)?.token.clockToleranceSeconds ?? 0
    const { dpop } = config
    // A secret of our own would refuse the nonces of the gateway, and give out one that the gateway refuses.
    const secretNonces = dpop.nonces && dpop.nonceSecret === undefined
    const proofs = createProofVerifier(dpop, {
      store,
      nonces: secretNonces ? undefined : noncesOf(dpop),
      events: { degraded: () => undefined },
    })
    const request = {
      proofs: head.proofs,
      method: asked.method,
      uri: publicUri(resource.origin, { secure: asked.secure, authority: where.authority }, where.path),
    }
    const evidence = {
      certificate: () => (believesCertificates(config) ? forwardedThumbprint(head.forwarded) : undefined),
      proof: (boundTo: string) => {
        if (secretNonces && head.proofs.length > 0) step(uncheckedNonce)
        return proofs.prove(request, candidate.credential, boundTo, now)
      },
    }
    const outcome = await judge(candidate, verified.value, evidence, now, tolerance, step)
    if (!outcome.ok) return refused(config, outcome.refusal, where, steps)
    return forwarded(config, where, candidate.match.suffix, steps)
  } finally {
    await Promise.all(issuers.map((issuer) => issuer.close()))
    await store.close()
  }
}

/**
 * A field of the command line stands for what a trusted proxy would say, or the handshake would show: it counts if any
 * of these would. Who signed the certificate (`client_ca`) is not looked at.
 */
const believesCertificates = ({ listen: { trustedProxies, tls } }: Config): boolean =>
  trustedProxies.length > 0 || (tls !== undefined && tls.clientCertificates !== 'ignore')

const uncheckedNonce: StepReport = {
  name: 'nonce',
  expected: 'a nonce of the running gateway (dpop.nonces)',
  found: 'not checked: without dpop.nonce_secret_file only the gateway that gave it out knows it',
  ok: true,
}

const monotonic = (): number => performance.now()

const quietStore = {
  events: { operation: () => undefined, connection: () => undefined, refused: () => undefined },
  clock: systemClock,
  random: Math.random,
  monotonic,
}

/** What a person looks for first, where it can be read. Neither the token nor its signature is ever printed. */
const describeToken = (
  header: Readonly<Record<string, unknown>> | undefined,
  claims: Readonly<Record<string, unknown>> | undefined,
): readonly string[] => {
  if (!header) return []
  const { typ, alg, enc, kid } = header
  // The claims of an encrypted token cannot be seen from outside.
  const inside = claims && { iss: claims.iss, aud: claims.aud, scope: claims.scope, exp: claims.exp }
  const shown = Object.entries({ typ, alg, ...(enc === undefined ? {} : { enc }), kid, ...inside })
  return [
    shown
      .map(([name, value]) => `${name} ${value === undefined ? 'absent' : JSON.stringify(value).slice(0, 200)}`)
      .join(', '),
  ]
}

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
  const replica = where.resource && config.upstreams[where.resource.index]?.options.replicas[0]
  return { ...allowed(where, steps), upstream: replica && placeAt(replica, suffix) }
}

/** Of several replicas the first stands for all; a socket as it is written in the config. */
const placeAt = ({ origin, socketPath, basePath }: ReplicaOptions, suffix: string): string =>
  (socketPath === undefined ? origin : `unix:${socketPath}:`) + upstreamPath(basePath, suffix)

const refused = (config: Config, refusal: Refusal, where: Where, steps: readonly StepReport[]): Explanation => ({
  ...allowed(where, steps),
  decision: 'deny',
  reason: refusal.reason,
  detail: detail(refusal),
  near_miss: nearMiss(refusal, where.resource),
  response: shown(refusalAnswer(answerRefusal(refusal, where, 'the request id', answerPolicyOf(config)))),
})

/** The answer as it would go over the wire, but for the fields that every answer has (date, request id, length). */
const shown = ({ status, headers, contentType, cacheControl, body }: OwnAnswer): Explanation['response'] => {
  const fields: Record<string, string | readonly string[]> = {
    'Content-Type': contentType,
    'Cache-Control': cacheControl,
  }
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = headers[i + 1] ?? ''
    const before = fields[name]
    fields[name] = before === undefined ? value : [before, value].flat()
  }
  return { status, headers: fields, body: JSON.parse(body) }
}
