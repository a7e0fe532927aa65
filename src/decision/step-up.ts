import type { Refusal } from './refusal.ts'
import type { Rule } from './resource.ts'
import type { Step } from './step.ts'
import type { VerifiedToken } from './token.ts'

/**
 * RFC 9470: how, and how long ago, the user authenticated. `acr` is one of the listed values, compared exactly and
 * without any order among them (SU-5); `auth_time` is at most `max_age` ago, plus tolerance, and not yet to come. What
 * is absent is unmet (SU-3).
 */
export const judgeAuthentication = (
  { acr, maxAgeSeconds }: Extract<Rule, { kind: 'token' }>,
  token: VerifiedToken,
  now: number,
  toleranceSeconds: number,
  step?: Step,
): Refusal | undefined => {
  if (acr.length > 0) {
    const met = token.acr !== undefined && acr.includes(token.acr)
    const expected = acr.join(' or ')
    const got = token.acr ?? 'none'
    step?.({ name: 'acr', expected, found: got, ok: met })
    if (!met) return { reason: 'authentication_insufficient', claim: 'acr', expected, got }
  }
  if (maxAgeSeconds !== undefined) {
    const { authTime } = token
    const age = authTime === undefined ? undefined : now - authTime
    // An instant to come would otherwise be recent for ever.
    const met = age !== undefined && age <= maxAgeSeconds + toleranceSeconds && age >= -toleranceSeconds
    const expected = `at most ${maxAgeSeconds} s ago (+${toleranceSeconds} s)`
    const got = age === undefined ? 'none' : `${Math.round(age)} s ago`
    step?.({ name: 'auth_time', expected, found: got, ok: met })
    if (!met) return { reason: 'authentication_insufficient', claim: 'auth_time', expected, got }
  }
  return undefined
}
