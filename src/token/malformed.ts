import { type Refusal, refuse } from '../decision/refusal.ts'

/**
 * The refusal of a token that is not what RFC 7515 and RFC 7519 call one. `fault` is a fixed phrase of ours: nothing of
 * the token is ever in it, since it goes to the log and to `explain`.
 */
export const malformed = (fault: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse({ reason: 'token_malformed', fault })
