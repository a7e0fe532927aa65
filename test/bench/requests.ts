import { createKey, ISSUER, mint, type TestKey } from '../support/tokens.ts'
import type { Api } from './subjects/audgate.ts'

export const issuer = ISSUER

/** The one API of most rows. */
export const orders: Api = { name: 'orders', resource: 'https://api.test/orders', at: '/orders' }

/** Keys of the issuer: RSA signs what is verified once and cached, and what haproxy can check; EC is the modern choice. */
export const rsa = createKey('RS256', 'rs1')
export const ec = createKey('ES256', 'es1')

let minted = 0

/** A request with a token that no other request carries. */
export const freshRequest = (key: TestKey, { resource, at }: Api = orders): string => {
  const now = Math.floor(Date.now() / 1000)
  minted++
  const claims = { iss: issuer, aud: resource, iat: now - 10, exp: now + 3600, jti: `bench-${minted}` }
  return requestText(`${at}/42`, mint({ key, claims }))
}

export const freshRequests = (count: number, key: TestKey): readonly string[] =>
  Array.from({ length: count }, () => freshRequest(key))

/** A request that every checking gateway has to refuse: the token was made for another API. */
export const foreignRequest = (): string => {
  const foreign = freshRequest(rsa, { ...orders, resource: 'https://api.test/billing' })
  return foreign.replace('\r\n', '\r\nConnection: close\r\n')
}

/** So many APIs, at places of their own below any host. */
export const manyApis = (count: number): readonly Api[] =>
  Array.from({ length: count }, (_, i) => ({ name: `api-${i}`, resource: `https://api.test/r${i}`, at: `/r${i}` }))

/** One hot token for each of ten APIs, spread evenly over all of them: the same mix however many there are. */
export const spreadRequests = (apis: readonly Api[]): readonly string[] =>
  apis.filter((_, i) => i % (apis.length / 10) === 0).map((api) => freshRequest(rsa, api))

/** The path and the token of a request, for programs that write their own. */
export const partsOf = (request: string): { readonly path: string; readonly authorization: string } => ({
  path: request.split(' ', 2)[1] ?? '',
  authorization: /Authorization: .*/.exec(request)?.[0] ?? '',
})

const requestText = (path: string, token: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: api.test',
    'User-Agent: bench/1',
    'Accept: application/json',
    `Authorization: Bearer ${token}`,
    '\r\n',
  ].join('\r\n')
