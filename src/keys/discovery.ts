import { type Failed, failed, type HttpClient, shownUrl, urlFault } from './http-get.ts'
import { readJsonObject } from './json-object.ts'

export type Located = { readonly ok: true; readonly jwksUri: string } | Failed

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

interface Candidate {
  readonly url: string
  readonly kind: 'oauth' | 'oidc' | 'pinned'
}

/**
 * Finds an issuer's `jwks_uri` in its metadata (RFC 8414, OpenID Connect Discovery). A document counts only if its
 * `issuer` is the configured one character for character (AS-1). The `jwks_uri` of such a document may be on another
 * origin, as with many large providers; it is named by the validated metadata and never by a token, it must be https,
 * and metadata that came over https cannot point to plain http (AS-5, AS-6).
 * @param warn called when the OAuth and the OpenID document name different keys (AS-7); that other document is read in
 *   the background and once, because the answer changes nothing but a log line
 */
export const createDiscovery = (
  options: DiscoveryOptions,
  client: HttpClient,
  warn: (message: string) => void,
): Discovery => {
  const candidates = metadataCandidates(options)
  let compared = options.metadataUrl !== undefined

  const compare = async (preferred: string): Promise<void> => {
    for (const candidate of candidates.filter(({ kind }) => kind === 'oidc')) {
      const other = await readMetadata(candidate.url, options, client)
      if (!other.ok) continue
      if (other.jwksUri !== preferred) {
        warn(
          `the OAuth metadata names ${shownUrl(preferred)} and the OpenID metadata names ${shownUrl(other.jwksUri)}: using the first`,
        )
      }
      return
    }
  }

  return {
    locate: async () => {
      const faults: Failed[] = []
      for (const { url, kind } of candidates) {
        const located = await readMetadata(url, options, client)
        if (located.ok) {
          if (kind === 'oauth' && !compared) {
            compared = true
            void compare(located.jwksUri)
          }
          return located
        }
        faults.push(located)
        // All forms are on one origin: where it cannot be reached, the next form cannot either.
        if (located.result !== 'http' && located.result !== 'parse') break
      }
      return (
        // A document that is there and wrong says more than the places where none is.
        faults.find(({ result }) => result !== 'http') ?? {
          ok: false,
          result: faults.length > 0 ? 'http' : 'parse',
          message: faults.map(({ message }) => message).join('; ') || `${shownUrl(options.issuer)}: is no issuer URL`,
        }
      )
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
): Promise<Located> => {
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
  const jwksUri = metadata.jwks_uri
  if (typeof jwksUri !== 'string') return failed('parse', url, 'has no jwks_uri')
  const uriFault =
    jwksUri.startsWith('http:') && url.startsWith('https:') && !allowHttp
      ? 'is plain http although the metadata came over https'
      : urlFault(jwksUri, allowHttp)
  return uriFault === undefined ? { ok: true, jwksUri } : failed('parse', url, `the jwks_uri it names ${uriFault}`)
}

const shownValue = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 200)) : 'of another type'
