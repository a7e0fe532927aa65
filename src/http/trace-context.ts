import type { Head } from './head.ts'

/** The trace context of a request as it is sent on: names and values in turn, or nothing. */
export type TraceOf = (
  head: Pick<Head, 'traceparent' | 'tracestate' | 'nominated'>,
  trusted: boolean,
) => readonly string[]

/**
 * Trace context without taking part in the trace (W3C Trace Context, level 2). A valid `traceparent` goes on unchanged,
 * its unknown flags too, and then so does its `tracestate`, whatever its length (TC-1, TC-2, TC-5, TC-7). One that is
 * invalid or repeated takes its `tracestate` with it (TC-3, TC-4); a `tracestate` that breaks the grammar goes alone.
 *
 * @param mode `restart`: what comes from a peer that is not trusted is replaced by a trace that begins here, not
 *   sampled: neither its ids nor its wish to be recorded are a stranger's choice (TC-6)
 * @param random so many random octets
 */
export const createTrace = (mode: 'propagate' | 'restart', random: (size: number) => Buffer): TraceOf => {
  const propagate: TraceOf = ({ traceparent, tracestate, nominated }) => {
    if (traceparent.length !== 1) return none
    const [parent = ''] = traceparent
    if (!traceparentGrammar.test(parent) || nominated?.has('traceparent')) return none
    const state = nominated?.has('tracestate') ? '' : tracestate
    return isTracestate(state) ? ['traceparent', parent, 'tracestate', state] : ['traceparent', parent]
  }
  if (mode === 'propagate') return propagate
  const begin = createBeginning(random)
  return (head, trusted) => (trusted ? propagate(head, trusted) : ['traceparent', begin()])
}

const none: readonly string[] = []

/** Makes the `traceparent` of a new trace. Flags: the trace id is random, nothing is recorded. */
const createBeginning = (random: (size: number) => Buffer): (() => string) => {
  // A call of the generator costs more than what it gives: it is asked for many ids at a time.
  let octets = random(0)
  let at = 0
  return () => {
    if (at === octets.length) {
      octets = random(idsAtOnce * 24)
      at = 0
    }
    const trace = octets.toString('hex', at, at + 16)
    const parent = octets.toString('hex', at + 16, at + 24)
    at += 24
    return `00-${trace}-${parent}-02`
  }
}

const idsAtOnce = 64

/** Version 00 is of one length; a later one may say more behind a further dash. */
const traceparentGrammar =
  /^(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]*)?$/

/** A list of at most 32 members, no key twice; those that are empty do not count (section 3.3 of the specification). */
const isTracestate = (list: string): boolean => {
  // The only white space that may stand around a member, so that `trim` takes no other.
  if (!/^[\t\x20-\x7e]+$/.test(list)) return false
  const keys = new Set<string>()
  for (const text of list.split(',')) {
    const member = text.trim()
    if (member === '') continue
    const key = member.slice(0, member.indexOf('='))
    if (keys.size === membersAtMost || keys.has(key) || !memberGrammar.test(member)) return false
    keys.add(key)
  }
  return keys.size > 0
}

const membersAtMost = 32
const memberGrammar = /^[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
