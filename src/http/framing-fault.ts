import type { Refusal } from '../decision/refusal.ts'

/** The refusal of a message whose head cannot be believed. */
export const malformed = (fault: string): Refusal => ({ reason: 'request_malformed', fault })

/**
 * Transfer codings are `chunked` alone, in HTTP/1.1 only, and never beside a length (H1-7 … H1-10). Undefined: they are.
 *
 * @param coding the value of the last line
 * @param lines how many there are
 */
export const codingFault = (
  coding: string | undefined,
  lines: number,
  length: number | undefined,
  minor: number,
): Refusal | undefined => {
  if (coding === undefined) return undefined
  if (minor === 0) return malformed('Transfer-Encoding in HTTP/1.0')
  if (length !== undefined) return malformed('Transfer-Encoding beside Content-Length')
  if (lines > 1) return malformed('more than one Transfer-Encoding line')
  const list = coding.split(',').map((item) => item.trim().toLowerCase())
  if (list.at(-1) !== 'chunked') return malformed('the last transfer coding is not chunked')
  if (list.length === 1) return undefined
  const others = list.slice(0, -1)
  return others.every((item) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(item) && item !== 'chunked' && item !== 'identity')
    ? { reason: 'coding_not_implemented' }
    : malformed('an unknown list of transfer codings')
}
