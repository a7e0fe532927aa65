import { type Failed, failed, type HttpClient, shownUrl, urlFault } from './http-client.ts'
import { readJsonObject } from './json-object.ts'

export type Located =
  | { readonly ok: true; readonly jwksUri: string }
  /** The issuer has no keys, and says so. */
  | { readonly ok: true; readonly jwksUri: undefined; readonly message: string }
  | Failed

export interface Discovery {
  /** Asks anew where the keys are. Never rejects. */
  locate(): Promise<Located>
}

export interface DiscoveryOptions {
  readonly issuer: string
  readonly metadataUrl: string | undefined
  readonly allowHttp: boolean
  readonly timeoutMs: number
}

/** Members of the metadata that say where something is. */
export type MetadataMember = 'jwks_uri' | 'introspection_endpoint'

type Named = { readonly ok: true; readonly url: string; readonly kind: Candidate['kind'] } | Unnamed

interface Unnamed extends Failed {
  /** Present: a document that counts does not name it. */
  readonly absent?: true
}

interface Candidate {
  readonly url: string
  readonly kind: 'oauth' | 'oidc' | 'pinned'
}

/**
 * Finds what an issuer's metadata name (RFC 8414, OpenID Connect Discovery). A document counts only if its `issuer` is the
 * configured one character for character (AS-1). The URL in such a document may be on another origin, as with many large
 * providers; it is named by the validated metadata and never by a token, it must be https, and metadata that came over
 * https cannot point to plain http (AS-5, AS-6). Of several documents the first counts that names it. It is `absent` only
 * if nothing is left that may name it: every other place said that no document is there. Never rejects.
 */
export const searchMetadata = async (
  options: DiscoveryOptions,
  client: HttpClient,
  member: MetadataMember,
): Promise<Named> => {
  const faults: Unnamed[] = []
  for (const { url, kind } of metadataCandidates(options)) {
    const named = await readMetadata(url, options, client, member)
    if (named.ok) return { ...named, kind }
    faults.push(named)
    // All forms are on one origin: where it cannot be reached, the next form cannot either.
    if (named.result !== 'http' && named.result !== 'parse') break
  }
  const missing = faults.find(({ absent }) => absent)
  const nowhereElse = faults.every(
    ({ absent, status = 0 }) => absent || (isClientError(status) && !passing.has(status)),
  )
  if (missing !== undefined && nowhereElse) return missing
  // A document that is there and wrong says more than the places where none is.
  const { absent: _, ...told }: Unnamed = faults.find(({ result }) => result !== 'http') ?? {
    ok: false,
    result: faults.length > 0 ? 'http' : 'parse',
    message: faults.map(({ message }) => message).join('; ') || `${shownUrl(options.issuer)}: is no issuer URL`,
  }
  return told
}

const isClientError = (status: number): boolean => status >= 400 && status < 500

/** Not now: these say nothing of what is there. */
const passing: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * Finds an issuer's `jwks_uri` as {@link searchMetadata} does.
 * @param warn called when the OAuth and the OpenID document name different keys (AS-7); that other document is read in
 *   the background and once, because the answer changes nothing but a log line
 */
export const createDiscovery = (
  options: DiscoveryOptions & {
    /** Metadata that name no keys are an answer; default: they are a failure. */
    readonly keysOptional?: boolean
  },
  client: HttpClient,
  warn: (message: string) => void,
): Discovery => {
  let compared = options.metadataUrl !== undefined

  const compare = async (preferred: string): Promise<void> => {
    for (const candidate of metadataCandidates(options).filter(({ kind }) => kind === 'oidc')) {
      const other = await readMetadata(candidate.url, options, client, 'jwks_uri')
      if (!other.ok) continue
      if (other.url !== preferred) {
        warn(
          `the OAuth metadata names ${shownUrl(preferred)} and the OpenID metadata names ${shownUrl(other.url)}: using the first`,
        )
      }
      return
    }
  }

  return {
    locate: async () => {
      const named = await searchMetadata(options, client, 'jwks_uri')
      if (!named.ok) {
        const { absent, ...fault } = named
        return absent && options.keysOptional === true
          ? { ok: true, jwksUri: undefined, message: fault.message }
          : fault
      }
      if (named.kind === 'oauth' && !compared) {
        compared = true
        void compare(named.url)
      }
      return { ok: true, jwksUri: named.url }
    },
  }
}

/** Where the metadata may be, best first (AS-2, AS-3). Empty for an issuer with a query or a fragment (RFC 8414 §2). */
export const metadataCandidates = ({
  issuer,
  metadataUrl,
}: Pick<DiscoveryOptions, 'issuer' | 'metadataUrl'>): readonly Candidate[] => {
  if (metadataUrl !== undefined) return [{ url: metadataUrl, kind: 'pinned' }]
  // Cut as a string: a URL object would rewrite the path.
  const [, origin, fullPath] = /^(https?:\/\/[^/?#]+)(\/[^?#]*)?$/.exec(issuer) ?? []
  if (origin === undefined) return []
  const path = fullPath === undefined ? '' : fullPath.replace(/\/$/, '')
  const inserted: readonly Candidate[] = [
    { url: `${origin}/.well-known/oauth-authorization-server${path}`, kind: 'oauth' },
    { url: `${origin}/.well-known/openid-configuration${path}`, kind: 'oidc' },
  ]
  return path === ''
    ? inserted
    : [...inserted, { url: `${origin}${path}/.well-known/openid-configuration`, kind: 'oidc' }]
}

const readMetadata = async (
  url: string,
  { issuer, allowHttp, timeoutMs }: DiscoveryOptions,
  client: HttpClient,
  member: MetadataMember,
): Promise<{ readonly ok: true; readonly url: string } | Unnamed> => {
  const fault = urlFault(url, allowHttp)
  if (fault !== undefined) return failed('parse', url, fault)
  const signal = AbortSignal.timeout(timeoutMs)
  const answer = await client.get(url, { accept: 'application/json', etag: undefined, signal })
  if (!answer.ok) return answer
  if (answer.mediaType !== 'application/json') return failed('parse', url, 'is not application/json')
  const metadata = readJsonObject(answer.body)
  if (metadata === undefined) return failed('parse', url, 'is not a JSON object')
  if (metadata.issuer !== issuer) {
    return failed('parse', url, `names the issuer ${shownValue(metadata.issuer)}, not ${JSON.stringify(issuer)}`)
  }
  const named = metadata[member]
  if (named === undefined || named === null) return { ...failed('parse', url, `has no ${member}`), absent: true }
  if (typeof named !== 'string') return failed('parse', url, `has no ${member}`)
  const namedFault =
    named.startsWith('http:') && url.startsWith('https:') && !allowHttp
      ? 'is plain http although the metadata came over https'
      : urlFault(named, allowHttp)
  return namedFault === undefined
    ? { ok: true, url: named }
    : failed('parse', url, `the ${member} it names ${namedFault}`)
}

const shownValue = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 200)) : 'of another type'
