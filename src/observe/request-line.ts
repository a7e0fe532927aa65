import type { Refusal } from '../decision/refusal.ts'
import { detail } from './detail.ts'
import { inQuotes, quote } from './quote.ts'
import type { RequestRecord } from './record.ts'
import { UNMATCHED } from './request-metrics.ts'

/** Longest text of a field, in characters of the line; a whole line stays below the 16 KiB at which Docker splits. */
const LIMITS = {
  requestId: 128,
  method: 32,
  host: 260,
  path: 2048,
  name: 512,
  clientId: 256,
  address: 64,
  detail: 2048,
}

export type RequestLevel = 'info' | 'warn' | 'error'

/** How loud a request is: what the operator has to mend is a warning, a bug is an error, a refusal is everyday. */
export const levelOf = (refusal: Refusal | undefined): RequestLevel => {
  if (refusal === undefined) return 'info'
  if (refusal.reason === 'internal') return 'error'
  return /_unavailable$|^upstream_/.test(refusal.reason) ? 'warn' : 'info'
}

/**
 * The one log line of a request, newline included, with the fields of contract section 8 in their order. Written by
 * hand because pino's general serialiser takes several times as long; test/observe/request-line.test.ts compares the
 * two. Numbers that were never measured are `null`.
 *
 * @param time RFC 3339
 */
export const requestLine = (
  record: RequestRecord,
  level: RequestLevel,
  time: string,
  nearMiss: string | undefined,
): string => {
  const { refusal, resource, route, forwardedAt, upstreamHeadAt, endedAt } = record
  const upstreamMs = forwardedAt === 0 ? 'null' : milliseconds((upstreamHeadAt || endedAt) - forwardedAt)
  const reason = refusal === undefined ? 'none' : refusal.reason
  const asked = `{"time":"${time}","level":"${level}","msg":"request","request_id":"${inQuotes(record.requestId, LIMITS.requestId)}","method":"${inQuotes(record.method, LIMITS.method)}","host":"${inQuotes(record.host, LIMITS.host)}","path":"${inQuotes(record.path, LIMITS.path)}"`
  const matched = `,"resource":"${inQuotes(resource === undefined ? UNMATCHED : resource.name, LIMITS.name)}","route":"${inQuotes(route === undefined ? UNMATCHED : route.key, LIMITS.name)}"`
  const decided = `,"status":${record.status},"decision":"${record.decision}","reason":"${reason}","issuer":"${inQuotes(record.issuer, LIMITS.name)}","client_id":"${inQuotes(record.clientId, LIMITS.clientId)}"`
  const measured = `,"duration_ms":${milliseconds(endedAt - record.startedAt)},"upstream_ms":${upstreamMs},"bytes_in":${record.bytesIn},"bytes_out":${record.bytesOut},"remote_address":"${inQuotes(record.remoteAddress, LIMITS.address)}"`
  const line = asked + matched + decided + measured
  const broken = `broken off by the ${record.brokenBy ?? 'client or the upstream'}`
  if (refusal !== undefined) {
    const why = detail(refusal, nearMiss)
    return `${line},"detail":${quote(record.brokenBy === undefined ? why : `${broken}; ${why}`, LIMITS.detail)}}\n`
  }
  return record.delivery === 'broken' ? `${line},"detail":"${broken}"}\n` : `${line}}\n`
}

const milliseconds = (duration: number): string =>
  Number.isFinite(duration) ? String(Math.round(duration * 1000) / 1000) : 'null'
