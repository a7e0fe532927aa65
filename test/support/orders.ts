import type { TestContext } from 'node:test'
import { startGateway, type TestGateway } from './gateway.ts'
import { createKey, mint, type TestKey } from './tokens.ts'
import { startUpstream, type TestUpstream } from './upstream.ts'

/** One gateway in front of one echoing upstream, with a real key and live times: what most end-to-end tests need. */
export interface OrdersStage extends TestGateway {
  readonly upstream: TestUpstream
  readonly key: TestKey
  /** A token for this resource with both scopes; claims given replace. */
  token(claims?: Readonly<Record<string, unknown>>): string
}

export const ORDERS = 'https://api.test/orders'

/** The key of the test issuer. */
export const liveKey = createKey('ES256', 'es1')

/** The issuer block that trusts {@link liveKey} alone. */
export const issuerYaml = (jwk: object = liveKey.jwk): string =>
  `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks: { keys: [${JSON.stringify(jwk)}] } } } }\n`

/** A token of the test issuer that is valid now. */
export const liveToken = (claims: Readonly<Record<string, unknown>> = {}): string => {
  const now = Math.floor(Date.now() / 1000)
  return mint({ key: liveKey, claims: { aud: ORDERS, iat: now - 10, exp: now + 600, ...claims } })
}

/**
 * @param entry members of the upstream entry, beside `resource`
 * @param listen members of `listen`
 */
export const startOrders = async (
  t: TestContext,
  entry: Readonly<Record<string, unknown>> = {},
  { upstream, listen, extra }: { upstream?: TestUpstream; listen?: Record<string, unknown>; extra?: string } = {},
): Promise<OrdersStage> => {
  const behind = upstream ?? (await startUpstream(t))
  const map = { [behind.url]: { resource: ORDERS, at: '/orders', name: 'orders', ...entry } }
  const gateway = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}\n${extra ?? ''}`, listen)
  return { ...gateway, upstream: behind, key: liveKey, token: liveToken }
}
