import { randomBytes } from 'node:crypto'
import { createProver } from '../support/dpop.ts'
import { createKey, ISSUER, mint, type TestKey } from '../support/tokens.ts'
import type { Api } from './subjects/audgate.ts'

export const issuer = ISSUER

/** The one API of most rows. */
export const orders: Api = { name: 'orders', resource: 'https://api.test/orders', at: '/orders' }

/** Keys of the issuer, one for each algorithm that is measured; RSA also signs what is verified once and cached. */
export const rsa = createKey('RS256', 'rs1')
export const pss = createKey('PS256', 'ps1')
export const ec = createKey('ES256', 'es1')
export const ed = createKey('EdDSA', 'ed1')

/** Requests that are made anew for every round. */
export interface Fresh {
  /** For one round. */
  readonly perRound: number
  readonly make: (count: number) => readonly string[]
  /** Each counts once: none may be sent again, not even to warm up. */
  readonly once: boolean
}

let minted = 0

/** A token that no other request carries. */
const freshToken = (key: TestKey, resource: string, more: Readonly<Record<string, unknown>> = {}): string => {
  const now = Math.floor(Date.now() / 1000)
  minted++
  const claims = { iss: issuer, aud: resource, iat: now - 10, exp: now + 3600, jti: `bench-${minted}`, ...more }
  return mint({ key, claims })
}

export const freshRequest = (key: TestKey, { resource, at }: Api = orders): string =>
  requestText(`${at}/42`, `Bearer ${freshToken(key, resource)}`)

export const freshRequests = (count: number, key: TestKey): readonly string[] =>
  Array.from({ length: count }, () => freshRequest(key))

/** Tokens never seen before. */
export const neverSeen = (key: TestKey, perRound: number): Fresh => ({
  perRound,
  make: (count) => freshRequests(count, key),
  once: false,
})

/** One hot token that is bound to a key, and with each request a new proof by that key (RFC 9449). */
export const provenRequests = async (perRound: number): Promise<Fresh> => {
  const prover = await createProver('ES256')
  const token = freshToken(ec, orders.resource, { cnf: { jkt: prover.jkt } })
  const path = `${orders.at}/42`
  const request = (): string =>
    requestText(path, `DPoP ${token}`, [`DPoP: ${prover.prove({ token, uri: `http://${host}${path}` })}`])
  return { perRound, make: (count) => Array.from({ length: count }, request), once: true }
}

/** One token that only the issuer can read: it is asked once, and what it says is kept. */
export const opaqueRequest = (): string =>
  requestText(`${orders.at}/42`, `Bearer ${randomBytes(32).toString('base64url')}`)

/** What the issuer says of it (RFC 7662 section 2.2). */
export const introspectionAnswer = (): Readonly<Record<string, unknown>> => {
  const now = Math.floor(Date.now() / 1000)
  const names = { iss: issuer, aud: orders.resource, sub: 'alice', client_id: 'cli', token_type: 'Bearer' }
  return { active: true, ...names, scope: 'orders:read orders:write', iat: now - 10, exp: now + 3600 }
}

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

const host = 'api.test'

const requestText = (path: string, authorization: string, more: readonly string[] = []): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'User-Agent: bench/1',
    'Accept: application/json',
    `Authorization: ${authorization}`,
    ...more,
    '\r\n',
  ].join('\r\n')
