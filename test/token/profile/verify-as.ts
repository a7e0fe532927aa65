import type { TokenOptions } from '../../../src/token/options.ts'
import type { Verification } from '../../../src/token/token-verifier.ts'
import { issuerKeys, NOW, type TestKey, trustedIssuer } from '../../support/tokens.ts'
import { createVerifying } from '../../support/verifying.ts'
import { PROFILE_NAMES, type ProfileName } from './vendor.ts'

/**
 * Verifies tokens of one issuer as if it had been configured with one profile or another: the same `iss` under as many
 * config names, all with the same key.
 */
export const verifyAs = async (
  issuer: string,
  key: TestKey,
  options: Partial<TokenOptions> = {},
): Promise<(profile: ProfileName, token: string, now?: number) => Promise<Verification>> => {
  const others = await Promise.all(
    PROFILE_NAMES.map(async (profile) =>
      trustedIssuer(await issuerKeys([key], profile), { name: profile, issuer, token: { ...options, profile } }),
    ),
  )
  const { verifier } = await createVerifying({ keys: [], others })
  return async (profile, token, now = NOW) => verifier.verify(token, [profile], now)
}

/** `none`, the reason, or `no audience` for a token that is proven and can be for no resource. */
export const wordOf = (outcome: Verification): string => {
  if (!outcome.ok) return outcome.refusal.reason
  return outcome.value.audience.length === 0 ? 'no audience' : 'none'
}
