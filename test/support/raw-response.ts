import type { Misbehaviour } from './misbehaving.ts'

/** What one upstream says to one request, as bytes, and what must come of it at the client. */
export interface RawResponse extends Misbehaviour {
  /** With the requirement or attack that it stands for. Whatever must not reach anybody says `evil`. */
  readonly name: string
  readonly method: string
  readonly version: string
  readonly outcome: Outcome
}

/**
 * `invalid`: 502 `upstream_invalid`, and nothing of what the upstream said; `timeout`: 504; `relayed`: this status line,
 * these fields, and this content, whole; `broken`: the head went out, then at most this content, and the client can tell
 * that there should be more (or nothing went out, and it is `invalid`).
 */
export type Outcome =
  | { readonly kind: 'invalid' | 'timeout' }
  | { readonly kind: 'relayed'; readonly line: string; readonly fields: readonly string[]; readonly body: string }
  | { readonly kind: 'broken'; readonly body: string }

type Told = Partial<Omit<RawResponse, 'name' | 'bytes' | 'outcome'>>

export const told = (name: string, bytes: string, outcome: Outcome, more: Told = {}): RawResponse => ({
  name,
  bytes,
  after: 'silent',
  later: '',
  first: '',
  method: 'GET',
  version: 'HTTP/1.1',
  ...more,
  outcome,
})

export const invalid = (name: string, bytes: string, more?: Told): RawResponse =>
  told(name, bytes, { kind: 'invalid' }, more)

export const relayed = (
  name: string,
  bytes: string,
  [line, fields, body]: readonly [line: string, fields: readonly string[], body: string],
  more?: Told,
): RawResponse => told(name, bytes, { kind: 'relayed', line, fields, body }, more)

export const broken = (name: string, bytes: string, body: string, more?: Told): RawResponse =>
  told(name, bytes, { kind: 'broken', body }, more)

export const message = (head: readonly string[], content = ''): string => `${head.join('\r\n')}\r\n\r\n${content}`
export const line = 'HTTP/1.1 200 OK'
export const length = 'Content-Length: 4'
export const coding = 'Transfer-Encoding: chunked'
export const evil = message([line, length], 'evil')
