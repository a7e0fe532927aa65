import { randomBytes } from 'node:crypto'
import type { Config } from './config/config.ts'
import type { AnswerPolicy } from './decision/challenge.ts'
import { createNonces, type Nonces } from './token/dpop/nonces.ts'
import type { ProofOptions } from './token/options.ts'

/** What every refusal of this gateway says alike. */
export const answerPolicyOf = ({ refusals, dpop }: Pick<Config, 'refusals' | 'dpop'>): AnswerPolicy => ({
  exposeReason: refusals.exposeReason,
  proofAlgorithms: dpop.algorithms.join(' '),
})

/**
 * DP-16: nonces live as long as proofs do. Without a secret that replicas share, each asks for its own.
 *
 * @param own what a process uses that is given no secret; it has to last, or a reload would void all that were given out
 */
export const noncesOf = (
  { nonces, nonceSecret, ageMs }: ProofOptions,
  own: Uint8Array = randomBytes(32),
): Nonces | undefined => (nonces ? createNonces(nonceSecret ?? own, ageMs) : undefined)
