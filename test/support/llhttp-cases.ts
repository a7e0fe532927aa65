import type { TestContext } from 'node:test'
import { hearOut, readAnswer } from './hear-out.ts'
import type { Misbehaviour } from './misbehaving.ts'
import { requestBytes, sendRaw, wholeAnswer } from './raw-http.ts'
import { type SpiedStage, startSpied } from './spy.ts'

/** A case of llhttp's own tests, as in `llhttp-cases.json` of the public vectors. */
export interface ParserCase {
  readonly name: string
  /** `request` or `response`, with the lenient mode that it was written for. */
  readonly type: string
  readonly raw_b64: string
  /** What its parser makes of it. */
  readonly messages_complete: number
  readonly error: { readonly code: number } | null
}

/** These carry a piece of the surrounding prose in their bytes. */
export const broken: ReadonlySet<string> = new Set([
  '`keep-alive` / CRLF between requests, implicit `keep-alive`',
  '`close` / CRLF between requests, explicit `close`',
  'Google 301 response',
])

/** Serves everything of one host. */
export const startAny = (t: TestContext): Promise<SpiedStage> => startSpied(t, { entry: { at: 'https://gw.test/' } })

/**
 * Sends a request case as if it were for this gateway, with a credential: every message of it gets our `Host`, and the
 * first the credential and a mark.
 *
 * @param expected what should come of it, so that it is known how long to wait for that
 * @returns the answers' statuses, with `upstream` behind each whole request that was forwarded, and `end` when the
 *   connection ended
 */
export const sendCase = async (stage: SpiedStage, one: ParserCase, mark: string, expected: string): Promise<string> => {
  const raw = Buffer.from(one.raw_b64, 'base64').toString('latin1')
  const start = /^\s*\S+ \S+ (?:HTTP|RTSP|ICE)\/1\.[01]\r\n/.exec(raw)?.[0] ?? ''
  const rest = raw.slice(start.length).replace(/^(host:)[^\r\n]*/gim, '$1 gw.test')
  const added = `${/^host:/im.test(rest) ? '' : 'Host: gw.test\r\n'}X-Case: ${mark}\r\n${stage.authorization}\r\n`
  const bytes = start === '' ? raw : start + added + rest
  const answers = expected.split(' ').filter((word) => /^\d/.test(word)).length
  const isWhole = (all: string): boolean => (start.startsWith('HEAD') ? all.endsWith('\r\n\r\n') : wholeAnswer(all))
  const { text, closed } = await sendRaw(stage.port, Buffer.from(bytes, 'latin1'), {
    until: (all) => !expected.endsWith('end') && statusesOf(all).length === answers && isWhole(all),
    quietMs: expected === '' ? 300 : 3000,
  })
  const statuses = statusesOf(text)
  const seen = stage.spy.requests.filter(({ values }) => values('x-case').join() === mark).length
  return [...statuses, ...Array<string>(seen).fill('upstream'), ...(closed ? ['end'] : [])].join(' ')
}

const statusesOf = (text: string): readonly string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = '']) => status)

/** For {@link startMisbehaving}: what a response case says, and the end of the connection. */
export const misbehaviourOf = (one: ParserCase): Misbehaviour => ({
  bytes: Buffer.from(one.raw_b64, 'base64').toString('latin1'),
  after: 'end',
  later: '',
  first: '',
})

/** @returns the status at the client, and `cut` where it can tell that there should be more */
export const receiveCase = async (port: number, index: number): Promise<string> => {
  const heard = await hearOut(port, requestBytes([`GET /${index}/once HTTP/1.1`, 'Host: a', 'Connection: close']))
  const { line, whole } = readAnswer(heard, false)
  const status = /^HTTP\/1\.1 (\d{3}) [\t\x20-\x7e]*$/.exec(line)?.[1] ?? 'nothing'
  return whole ? status : `${status} cut`
}
