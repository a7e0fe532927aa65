import { text as readAll } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import type { Config } from '../config/config.ts'
import { authorize, type Candidate } from '../decision/authorize.ts'
import { answerRefusal } from '../decision/challenge.ts'
import { admit, type Where } from '../decision/decide.ts'
import { nearMiss } from '../decision/near-miss.ts'
import type { Refusal } from '../decision/refusal.ts'
import type { StepReport } from '../decision/step.ts'
import { endToEnd, readHead } from '../http/head.ts'
import { systemClock } from '../keys/clock.ts'
import { createKeySource } from '../keys/index.ts'
import { silentKeyEvents } from '../keys/silent.ts'
import { detail } from '../observe/detail.ts'
import { createTokenVerifier } from '../token/index.ts'
import { inspect } from '../token/inspect.ts'
import { upstreamPath } from '../upstream/forward.ts'
import { type Run, usageFault, wrongUsage } from './command.ts'
import { findConfigFile, noConfigFile, requireConfig } from './config-file.ts'
import { type Explanation, explanationText } from './explanation.ts'

export const usage = `usage: audgate explain --config FILE --url URL [options]

Decides one request as the gateway would, and prints every step: what was expected and what was found.
Exit status: 0 it would be forwarded, 1 it would be refused, 2 wrong usage.

  --config FILE      the config
  --url URL          what the client asks for; a path alone needs --header 'Host: …'
  --method METHOD    default GET
  --token TOKEN|-    sent as \`Authorization: Bearer\`; \`-\` reads it from standard input
  --header 'K: V'    a further field line; may be repeated
  --now TIME         judge as of this time: RFC 3339, or seconds since the epoch
  --format FORMAT    text (default) or json`

/** Decides one request from the command line; exit status 0: it would be forwarded. */
export const run: Run = async (args, io) => {
  const asked = await readArguments(args)
  if (typeof asked === 'string') return wrongUsage(io, usage, asked)
  const file = findConfigFile(asked.config, io.env)
  if (file === undefined) return wrongUsage(io, usage, noConfigFile)
  const config = requireConfig(file, io)
  if (!config) return 1
  const explanation = await explainRequest(config, asked)
  io.stdout(asked.format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation))
  return explanation.decision === 'allow' ? 0 : 1
}

interface Asked {
  readonly config: string | undefined
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  /** Whether the URL says https. */
  readonly secure: boolean
  /** Seconds since the epoch. */
  readonly now: number
  readonly format: 'text' | 'json'
}

/** The request as asked for, or what is wrong with the asking. */
const readArguments = async (args: readonly string[]): Promise<Asked | string> => {
  const read = parse(args)
  if (typeof read === 'string') return read
  const { url, method, token, header, now, format, config } = read
  if (url === undefined) return '--url is needed'
  if (format !== 'text' && format !== 'json') return '--format is text or json'
  const at = now === undefined ? Date.now() / 1000 : readTime(now)
  if (!Number.isFinite(at)) return '--now is an RFC 3339 time, or seconds since the epoch'
  const parts = /^(?:(https?):\/\/([^/?#]*))?(.*)$/is.exec(url)
  const [, scheme, authority, rest = ''] = parts ?? []
  const rawHeaders = authority === undefined ? [] : ['Host', authority]
  for (const line of header) {
    const colon = line.indexOf(':')
    if (colon < 1) return "--header is 'Name: value'"
    rawHeaders.push(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  if (token !== undefined) {
    const credential = token === '-' ? (await readAll(process.stdin)).trim() : token
    rawHeaders.push('Authorization', `Bearer ${credential}`)
  }
  const target = authority === undefined || rest.startsWith('/') ? rest : `/${rest}`
  return { config, method, target, rawHeaders, secure: scheme?.toLowerCase() === 'https', now: at, format }
}

const parse = (args: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        url: { type: 'string' },
        method: { type: 'string', default: 'GET' },
        token: { type: 'string' },
        header: { type: 'string', multiple: true, default: [] },
        now: { type: 'string' },
        format: { type: 'string', default: 'text' },
      },
    })
    return values
  } catch (error) {
    return usageFault(error)
  }
}

const readTime = (text: string): number => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000)

/** Decides with the very functions of the server; nothing is sent to an upstream. Keys are loaded where they are needed. */
export const explainRequest = async (config: Config, asked: Omit<Asked, 'config' | 'format'>): Promise<Explanation> => {
  const steps: StepReport[] = []
  const step = (report: StepReport): void => void steps.push(report)
  const head = readHead(
    { rawHeaders: asked.rawHeaders, httpVersionMajor: 1, httpVersionMinor: 1 },
    config.listen.limits,
    config.requestId.header.toLowerCase(),
    new Set(endToEnd),
  )
  if ('reason' in head) return refused(config, head, nowhere, steps, [])
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
      return refused(config, admission.refusal, where, steps, [])
    case 'metadata':
      return {
        ...allowed(where, steps),
        response: {
          status: 200,
          headers: ['Content-Type', 'application/json'],
          body: JSON.parse(admission.resource.metadata?.document ?? '{}'),
        },
      }
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
  const audience = stringsOf(claims?.aud)
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
    if (!verified.ok) return refused(config, verified.refusal, where, steps, audience)
    const tolerance = issuers.find(({ name }) => name === verified.value.issuer)?.token.clockToleranceSeconds ?? 0
    const outcome = authorize(candidate, verified.value, now, tolerance, step)
    if (!outcome.ok) return refused(config, outcome.refusal, where, steps, audience)
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

const stringsOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string')

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

const refused = (
  config: Config,
  refusal: Refusal,
  where: Where,
  steps: readonly StepReport[],
  audience: readonly string[],
): Explanation => ({
  ...allowed(where, steps),
  decision: 'deny',
  reason: refusal.reason,
  detail: detail(refusal),
  near_miss: nearMiss(refusal, { resource: where.resource, audience }),
  response: answerRefusal(refusal, where, 'the request id', config.refusals.exposeReason),
})
