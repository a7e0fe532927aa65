import { type Outcome, pass, type Refusal, refuse } from './refusal.ts'

/** The authentication schemes under which an access token counts. */
export type Scheme = 'Bearer' | 'DPoP'

/** A token, and the scheme under which it was sent. */
export interface Credentials {
  readonly scheme: Scheme
  readonly token: string
}

/**
 * The token of a request (RFC 6750 section 2.1, RFC 9449 section 7.1). Form bodies, cookies and query parameters are no
 * credentials here (BR-6, BR-7, BR-24); a scheme that is not supported counts as none (BR-10). Says nothing about the
 * token itself.
 *
 * @param authorization every `Authorization` field line, in order
 * @param query the target's query, `''` or from `?` on
 */
export const readCredentials = (authorization: readonly string[], query: string): Outcome<Credentials> => {
  const [line] = authorization
  const inQuery = query !== '' && hasQueryToken(query)
  if (line === undefined) {
    return missing(inQuery ? 'a token in the query is no credential' : 'no Authorization field')
  }
  if (authorization.length > 1) {
    return refuse({ reason: 'credentials_repeated', fault: `${authorization.length} Authorization lines` })
  }
  // The usual spelling first: it is looked at on every request.
  const name = line.startsWith('Bearer ') ? 'Bearer' : schemeName.exec(line)?.[0]
  if (name === undefined) return broken('no authentication scheme')
  const next = line.charCodeAt(name.length)
  // `Bearer<TAB>x`, `Bearer,x`: a scheme is followed by spaces or by nothing (BR-3).
  if (!Number.isNaN(next) && next !== space) return broken('the scheme is not followed by a space')
  const scheme = schemeOf(name)
  if (scheme === undefined) return missing('an authentication scheme that is not supported')
  let start = name.length
  while (line.charCodeAt(start) === space) start++
  const token = line.slice(start)
  if (!token68.test(token)) return broken(token === '' ? 'no token after the scheme' : 'the token is not token68')
  if (inQuery) return refuse({ reason: 'credentials_repeated', fault: 'a token in Authorization and one in the query' })
  return pass({ scheme, token })
}

/** Which scheme a refused `Authorization` meant, so that the challenge is in its words (BR-16). */
export const schemeMeant = (authorization: readonly string[]): Scheme | undefined =>
  authorization.length === 1 ? schemeOf(schemeName.exec(authorization[0] ?? '')?.[0] ?? '') : undefined

/** The query without its `access_token` parameters, which are never forwarded (BR-6). */
export const withoutQueryToken = (query: string): string => {
  if (query === '' || !hasQueryToken(query)) return query
  const kept = query
    .slice(1)
    .split('&')
    .filter((parameter) => !isTokenParameter(parameter))
  return kept.length === 0 ? '' : `?${kept.join('&')}`
}

const space = 0x20
const schemeName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/
const token68 = /^[A-Za-z0-9\-._~+/]+=*$/

/** BR-2: in any case of letters. */
const schemeOf = (name: string): Scheme | undefined => {
  if (name === 'Bearer') return name
  const lower = name.toLowerCase()
  return lower === 'bearer' ? 'Bearer' : lower === 'dpop' ? 'DPoP' : undefined
}

const missing = (fault: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse({ reason: 'token_missing', fault })
const broken = (fault: string) => refuse({ reason: 'credentials_malformed', fault })

const hasQueryToken = (query: string): boolean =>
  mayNameToken.test(query) && query.slice(1).split('&').some(isTokenParameter)

// Cheap first look: the name itself, or a percent sign that may spell it (`%61ccess_token`).
const mayNameToken = /access_token|%/i

const isTokenParameter = (parameter: string): boolean => {
  const equals = parameter.indexOf('=')
  const name = equals < 0 ? parameter : parameter.slice(0, equals)
  return decodeAscii(name) === 'access_token'
}

// Not decodeURIComponent: a broken escape elsewhere in the name must not hide the parameter.
const decodeAscii = (name: string): string =>
  name.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
