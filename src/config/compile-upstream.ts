import { isIP } from 'node:net'
import { pathFault } from '../decision/target.ts'
import { type ReplicaOptions, toUpstreamOptions, type UpstreamOptions } from '../upstream/options.ts'
import { type BaseContext, parseBase } from './compile-base.ts'
import { compileUpstreamTls } from './compile-upstream-tls.ts'
import type { EntryInput } from './entry-schema.ts'
import type { Surroundings } from './named-file.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'

/**
 * Judges the keys of an entry that the forwarder obeys, and reads the files that they name.
 *
 * @param base undefined: the entry's key is of no use, and has been reported; then nothing can be made of the rest
 */
export const compileUpstream = (
  entry: EntryInput,
  at: Path,
  base: ReplicaOptions | undefined,
  context: BaseContext & { readonly around: Surroundings; readonly alike: Alike },
): UpstreamOptions | undefined => {
  const { report, around } = context
  const replicas = readReplicas(entry, at, base, context)
  const tls = entry.tls && compileUpstreamTls(entry.tls, [...at, 'tls'], around)
  checkHealthPath(entry, at, report)
  checkWebSocket(entry, at, report)
  if (!base) return undefined
  checkEjection(entry, at, report)
  if (isIP(tls?.serverName ?? '') !== 0) {
    report.problem([...at, 'tls', 'server_name'], '`server_name` must be a name: TLS asks for no address (RFC 6066)')
  }
  if (tls && ![base, ...replicas].some(isTls)) {
    report.problem([...at, 'tls'], '`tls` counts only with an upstream that begins with https://', 'key')
  }
  const { alike } = context
  const options = toUpstreamOptions(entry, [base, ...replicas], tls)
  return {
    ...options,
    timeouts: alike(options.timeouts),
    pool: alike(options.pool),
    ejection: alike(options.ejection),
    websocket: alike(options.websocket),
  }
}

/** One object for all that say the same: of ten thousand entries most leave these at their defaults. */
export type Alike = <T>(value: T) => T

export const createAlike = (): Alike => {
  const known = new Map<string, unknown>()
  return <T>(value: T): T => {
    const key = JSON.stringify(value)
    if (key === undefined) return value
    if (!known.has(key)) known.set(key, value)
    // What has the same members in the same order is of the same type.
    return known.get(key) as T
  }
}

const isTls = ({ origin }: Pick<ReplicaOptions, 'origin'>): boolean => origin.startsWith('https:')

const readReplicas = (
  entry: EntryInput,
  at: Path,
  base: ReplicaOptions | undefined,
  context: BaseContext,
): readonly ReplicaOptions[] => {
  const replicas: ReplicaOptions[] = []
  const places = new Map<string, Path | undefined>(base && [[placeOf(base), undefined]])
  for (const [index, text] of entry.replicas.entries()) {
    const path = [...at, 'replicas', index]
    const replica = parseBase(text, path, 'value', context)
    if (!replica) continue
    const place = placeOf(replica)
    if (places.has(place)) {
      const twin = places.get(place)
      const where = twin ? `the replica in line ${context.report.line(twin)}` : 'the upstream itself'
      context.report.problem(path, `this replica is at the same place as ${where}`)
    } else places.set(place, path)
    if (base && isTls(replica) !== isTls(base)) {
      const [must, does] = isTls(base) ? ['must', 'does'] : ['must not', 'does not']
      context.report.problem(path, `a replica ${must} begin with https://, as the upstream itself ${does}`)
    }
    replicas.push(replica)
  }
  return replicas
}

/** One text for each place, with the port that the scheme stands for. */
const placeOf = ({ origin, basePath, socketPath }: ReplicaOptions): string => {
  const path = basePath.replace(/\/$/, '')
  if (socketPath !== undefined) return `unix:${socketPath}:${path}`
  return origin.replace(isTls({ origin }) ? /:443$/ : /:80$/, '') + path
}

const checkEjection = ({ ejection, replicas }: EntryInput, at: Path, report: Report): void => {
  const path = [...at, 'ejection']
  // Replicas that are wrong are none here.
  if (ejection === false || replicas.length > 0 || report.has([...at, 'replicas', 0]) || !report.has(path)) return
  report.warn(path, '`ejection` does nothing without `replicas`: the last one is never left out', 'key')
}

const checkHealthPath = ({ health_check }: EntryInput, at: Path, report: Report): void => {
  const [path = ''] = health_check?.path.split('?') ?? []
  const fault = health_check && pathFault(path, { encodedSlashes: true, parameters: true })
  if (fault === undefined) return
  report.problem([...at, 'health_check', 'path'], `the path of a health check must be canonical: ${fault}`)
}

const checkWebSocket = ({ websocket }: EntryInput, at: Path, report: Report): void => {
  if (typeof websocket === 'boolean') return
  const path = [...at, 'websocket']
  const idle = [...path, 'idle']
  // The default of `idle` is no mistake of whoever wrote a short `max`.
  if (websocket.idle > websocket.max && report.has(idle)) {
    report.problem(idle, '`idle` must not be longer than `max`: a tunnel could never be idle for so long')
  }
  for (const [index, origin] of websocket.origins?.entries() ?? []) {
    const sent = /^https?:/.test(origin) ? URL.parse(origin)?.origin : origin
    if (sent === origin) continue
    const at = [...path, 'origins', index]
    const instead = sent === undefined || report.isExpanded(at) ? '' : `; it would be \`${sent}\``
    report.problem(at, `no browser sends this origin${instead}`)
  }
}
