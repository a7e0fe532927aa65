import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { AuthorizationServer } from './authorization-server.ts'
import type { DemoLine, DemoPlan, TokenWish } from './demo-plan.ts'

const TIMEOUT_MS = 10_000
/** Further back than any `clock_tolerance` reaches (300 s at most). */
const EXPIRED_SECONDS_AGO = 3600

export interface DemoLineWithToken extends DemoLine {
  readonly accessToken: string | undefined
}

/**
 * Gets the tokens of the plan from the token endpoint over HTTP, as any client would: no shortcut that could work where
 * a client fails. One exception: nobody issues expired tokens, and waiting for one would take longer than the demo. So
 * the expired one is a token as issued, with its times moved back, signed again with the same published key; it differs
 * from a good token in nothing but its times.
 */
export const withDemoTokens = async (
  { client, lines }: DemoPlan,
  server: AuthorizationServer,
  fetch: typeof globalThis.fetch,
): Promise<readonly DemoLineWithToken[]> =>
  Promise.all(
    lines.map(async (line) => {
      if (line.token === undefined) return { ...line, accessToken: undefined }
      const issued = await requestToken(line.token, { client, issuer: server.issuer, fetch })
      return { ...line, accessToken: line.token.expired ? await expire(issued, server) : issued }
    }),
  )

const requestToken = async (
  { indicator, scope }: TokenWish,
  {
    client,
    issuer,
    fetch,
  }: { readonly client: DemoPlan['client']; readonly issuer: string; readonly fetch: typeof globalThis.fetch },
): Promise<string> => {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client.id,
      client_secret: client.secret,
      resource: indicator,
      ...(scope === undefined ? {} : { scope }),
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const answer = (await response.json()) as { readonly access_token?: unknown; readonly error?: unknown }
  if (typeof answer.access_token === 'string') return answer.access_token
  throw new Error(`no token for ${indicator} as client ${client.id}: ${response.status} ${answer.error}`)
}

const expire = async (token: string, server: AuthorizationServer): Promise<string> => {
  const claims = decodeJwt(token)
  const { alg = 'RS256' } = decodeProtectedHeader(token)
  const lifetime = (claims.exp ?? 0) - (claims.iat ?? 0)
  const exp = (claims.iat ?? 0) - EXPIRED_SECONDS_AGO
  return server.mint({ ...claims, iat: exp - lifetime, exp }, { algorithm: alg })
}
