import type { Outcome, Reason } from '../../src/decision/refusal.ts'
import type { VerifiedToken } from '../../src/decision/token.ts'
import { createTokenVerifier } from '../../src/token/index.ts'
import type { TokenOptions } from '../../src/token/options.ts'
import type { TrustedIssuer } from '../../src/token/proof.ts'
import type { TokenVerifier } from '../../src/token/token-verifier.ts'
import { issuerKeys, NOW, type TestKey, type TestKeySource, trustedIssuer } from './tokens.ts'

export interface Verifying {
  readonly verifier: TokenVerifier & { flush(issuer: string): void }
  readonly keys: TestKeySource
  /** What was reported, in order: `hit`, `miss`, `main none`, `undefined token_opaque`. */
  readonly events: string[]
  /** The public word for this token at a resource that trusts `main`: `none` or the reason. */
  reason(token: string, now?: number): Promise<Reason | 'none'>
}

/** A verifier of one issuer `main` with these keys, and further issuers where a test needs them. */
export const createVerifying = async ({
  keys: testKeys,
  token = {},
  others = [],
  tokenSize = 8192,
  cacheBytes = 1 << 20,
}: {
  readonly keys: readonly TestKey[]
  readonly token?: Partial<TokenOptions>
  readonly others?: readonly TrustedIssuer[]
  readonly tokenSize?: number
  readonly cacheBytes?: number
}): Promise<Verifying> => {
  const keys = await issuerKeys(testKeys)
  const events: string[] = []
  const verifier = createTokenVerifier({
    issuers: [trustedIssuer(keys, { token }), ...others],
    tokenSize,
    cache: cacheBytes,
    events: {
      cache: (result) => events.push(result),
      validated: (issuer, reason) => events.push(`${issuer} ${reason}`),
    },
  })
  return {
    verifier,
    keys,
    events,
    reason: async (credential, now = NOW) => reasonOf(await verifier.verify(credential, ['main'], now)),
  }
}

export const reasonOf = (outcome: Outcome<unknown>): Reason | 'none' => (outcome.ok ? 'none' : outcome.refusal.reason)

/** The token, or a failure of the test that says why it was refused. */
export const passed = (outcome: Outcome<VerifiedToken>): VerifiedToken => {
  if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`)
  return outcome.value
}
