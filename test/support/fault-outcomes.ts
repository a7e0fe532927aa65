import type { Reason } from '../../src/decision/refusal.ts'
import type { Fault, FaultOutcome } from './fault-case.ts'

type Told = Partial<Omit<Fault, 'name' | 'replicas' | 'outcome'>>

/** A GET at the default options that comes once, harms no connection, and is mended: where it is not told otherwise. */
export const told = (name: string, replicas: Fault['replicas'], outcome: FaultOutcome, more: Told = {}): Fault => ({
  name,
  replicas,
  asking: 'GET',
  entry: {},
  primed: 0,
  restMs: 0,
  contacts: 1,
  stays: true,
  mends: true,
  ...more,
  outcome,
})

/** A refusal of our own, and what it says to the operator. */
export const refused = (status: number, reason: Reason, detail: RegExp): FaultOutcome => ({
  status,
  reason,
  detail,
  content: undefined,
  broken: false,
})

/** There was no connection. */
export const unreachable = (fault: RegExp): FaultOutcome => refused(502, 'upstream_unreachable', fault)
/** What came was no answer. */
export const invalid = (fault: RegExp): FaultOutcome => refused(502, 'upstream_invalid', fault)
/** Nothing came, but the end. */
export const lost = invalid(/closed the connection before it had answered$/)
/** Nothing came in time. */
export const late = (phase: 'connect' | 'response'): FaultOutcome =>
  refused(504, 'upstream_timeout', new RegExp(`timeouts\\.${phase}, got none$`))

/** The upstream's answer, for all that it does. */
export const served = (content = '/fault', status = 200): FaultOutcome => ({
  status,
  reason: 'none',
  detail: '',
  content,
  broken: false,
})

/** The head went out, and so much of the content; then the answer is visibly cut. */
export const broken = (content: string, reason: Reason, detail: RegExp): FaultOutcome => ({
  status: 200,
  reason,
  detail,
  content,
  broken: true,
})

/** Members of an upstream entry that gives up soon. */
export const hasty = { timeouts: { connect: '400ms', response: '400ms', idle: '400ms' } }
