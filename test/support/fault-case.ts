import type { TestContext } from 'node:test'
import type { Reason } from '../../src/decision/refusal.ts'
import { type Conversation, converse } from './conversation.ts'
import { eventually } from './eventually.ts'
import { type FaultyReplica, faultPath, inOrder, secret } from './faulty-upstream.ts'
import { startGateway, type TestGateway } from './gateway.ts'
import { issuerYaml } from './orders.ts'
import { requestBytes } from './raw-http.ts'
import { handshakeLines } from './websocket.ts'

/** What a client asks for: `upload` is a POST of 16 MiB, `handshake` that of a WebSocket. */
export type Asking = 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST' | 'upload' | 'handshake'

/** One way to misbehave, and the one outcome that it must have. */
export interface Fault {
  /** With the requirement that it stands for. */
  readonly name: string
  readonly replicas: readonly ((t: TestContext) => Promise<FaultyReplica>)[]
  readonly asking: Asking
  /** Members of the upstream entry. */
  readonly entry: Readonly<Record<string, unknown>>
  /** So many requests have been answered well before, one after the other. */
  readonly primed: number
  /** The time between those and the fault. */
  readonly restMs: number
  /** What it says in interim answers reaches the client, and should. */
  readonly relaysInterim?: boolean
  readonly outcome: FaultOutcome
  /** How often the request came to a replica. */
  readonly contacts: number
  /** Whether the client may go on with its connection. */
  readonly stays: boolean
  /** Whether the replicas can be mended: then the next request is answered, else it fares as this one. */
  readonly mends: boolean
}

export interface FaultOutcome {
  /** Of the head that the client gets. */
  readonly status: number
  /** In the content, the log line and the metric; `none`: the request was served. */
  readonly reason: Reason | 'none'
  /** What the operator's log says of it; `''`: nothing. */
  readonly detail: RegExp | ''
  /** What the client got of the content that the upstream sent; undefined: only what the gateway itself says. */
  readonly content: string | undefined
  /** Whether the client can see that there should be more. */
  readonly broken: boolean
}

const uploadSize = 16 * 1024 * 1024

const bytesOf = (asking: Asking, target: string): Buffer => {
  if (asking === 'handshake') return requestBytes(handshakeLines(target))
  const method = asking === 'upload' ? 'POST' : asking
  const content = asking === 'upload' ? 'x'.repeat(uploadSize) : asking === 'POST' ? 'hello' : ''
  const length = content === '' ? [] : [`Content-Length: ${content.length}`]
  return requestBytes([`${method} ${target} HTTP/1.1`, 'Host: gw.test', ...length], content)
}

interface Answer {
  readonly status: number
  readonly reason: string
  readonly content: string
  readonly broken: boolean
}

/** The answer at the start of a text; undefined while more is to come. */
const readAnswer = (
  text: string,
  asking: Asking,
  closed: boolean,
): (Answer & { readonly size: number }) | undefined => {
  const interim = /^(?:HTTP\/1\.1 1(?!01)\d\d [\s\S]*?\r\n\r\n)*/.exec(text)?.[0].length ?? 0
  const end = text.indexOf('\r\n\r\n', interim)
  if (end < 0) return closed ? { status: 0, reason: '', content: text, broken: true, size: text.length } : undefined
  const head = text.slice(interim, end)
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0)
  const rest = text.slice(end + 4)
  const told = (content: string, broken: boolean, size: number) => ({
    status,
    reason: /"reason":"([a-z_]+)"/.exec(content)?.[1] ?? 'none',
    content,
    broken,
    size: end + 4 + size,
  })
  if (asking === 'HEAD' || status === 204 || status === 101) return told('', false, 0)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    if (rest.length >= Number(length)) return told(rest.slice(0, Number(length)), false, Number(length))
    return closed ? told(rest, true, rest.length) : undefined
  }
  const last = rest.indexOf('0\r\n\r\n')
  const chunks = [...(last < 0 ? rest : rest.slice(0, last)).matchAll(/[0-9a-f]+\r\n([\s\S]*?)\r\n/g)]
  const content = chunks.map(([, chunk = '']) => chunk).join('')
  if (last >= 0) return told(content, false, last + 5)
  return closed ? told(content, true, rest.length) : undefined
}

/** Asks on a connection that may have served before, and hears the answer; later ones are heard behind it. */
const ask = async (client: Conversation, asking: Asking, target: string): Promise<Answer> => {
  const from = client.text().length
  client.say(bytesOf(asking, target))
  let answer = readAnswer(client.text().slice(from), asking, client.closed())
  await eventually(`an answer to ${asking} ${target}`, () => {
    answer = readAnswer(client.text().slice(from), asking, client.closed())
    return answer !== undefined
  })
  return answer ?? { status: 0, reason: '', content: '', broken: true }
}

/** Values of the series of one metric by one of its labels, of the resource `bad` alone. */
const series = (metrics: string, name: string, label: string): Record<string, number> => {
  const found: Record<string, number> = {}
  for (const [, labels = '', value = ''] of metrics.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm'))) {
    if (!labels.includes('resource="bad"')) continue
    const key = new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? ''
    found[key] = (found[key] ?? 0) + Number(value)
  }
  return found
}

const gauge = (metrics: string, name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])

/** What is to be expected of a fault, and what came: two objects that must be equal, for a difference that can be read. */
export const playFault = async (t: TestContext, fault: Fault): Promise<readonly [got: object, expected: object]> => {
  const { outcome, mends, asking } = fault
  const replicas = await Promise.all(fault.replicas.map((start) => start(t)))
  const good = await inOrder(t)
  const stage = await startGateway(t, configOf(fault, replicas, good.url))
  const client = await converse(t, stage.port)
  for (let i = 0; i < fault.primed; i++) await ask(client, 'GET', `/bad/primed/${i}`)
  const since = performance.now()
  await eventually('the time is over', () => performance.now() - since >= fault.restMs)
  const primed = replicas.map(({ asked }) => asked()).reduce((all, one) => all + one, 0)

  const answer = await ask(client, asking, `/bad${faultPath}`)
  await idle(stage)
  const metrics = await stage.metrics()
  const contacts = replicas.map(({ asked }) => asked()).reduce((all, one) => all + one, 0) - primed
  // Who may stay, stays; who may not is shown out.
  if (!fault.stays) await eventually('the end of the connection', client.closed)
  const stays = !client.closed()
  const told = client.text()
  const behind = stays ? (await ask(client, 'GET', '/good/behind')).content : ''
  for (const replica of replicas) await replica.mend()
  const again = stays ? resultOf(await ask(client, 'GET', '/bad/again')) : ''
  const other = await converse(t, stage.port)
  const next = resultOf(await ask(other, 'GET', '/bad/next'))
  await idle(stage)
  const after = await stage.metrics()
  const lines = await linesOf(stage)
  const [line = {}] = lines
  const failed = `${outcome.status} ${outcome.reason}`

  const served = outcome.reason === 'none'
  const got = {
    status: answer.status,
    reason: answer.reason,
    content: served || answer.status === 200 ? answer.content : '',
    broken: answer.broken,
    leaks: leaksOf(fault.relaysInterim ? told.replace(/HTTP\/1\.1 102[\s\S]*?\r\n\r\n/g, '') : told, replicas),
    contacts,
    stays,
    behind,
    again,
    next,
    lines: lines.length,
    log: [line.status, line.reason, line.decision],
    detail: matches(line.detail, outcome.detail),
    errors: series(metrics, 'audgate_upstream_errors_total', 'reason'),
    errorsLater: mends ? series(after, 'audgate_upstream_errors_total', 'reason') : {},
    code: series(metrics, 'audgate_requests_total', 'code')[String(outcome.status)],
    requests: Object.values(series(metrics, 'audgate_requests_total', 'code')).reduce((all, one) => all + one, 0),
    internal: (await stage.log()).filter(({ level }) => level === 'error' || level === 'fatal').length,
  }
  const errors = served ? {} : { [outcome.reason]: 1 }
  const expected: typeof got = {
    status: outcome.status,
    // HEAD has no content to say it in, and what has begun says it no more.
    reason: asking === 'HEAD' || outcome.status < 500 ? 'none' : outcome.reason,
    content: outcome.content ?? '',
    broken: outcome.broken,
    leaks: [],
    contacts: fault.contacts,
    stays: fault.stays,
    behind: fault.stays ? '/behind' : '',
    again: !fault.stays ? '' : mends ? '200 /again' : failed,
    next: mends ? '200 /next' : failed,
    lines: 1,
    log: [outcome.status, outcome.reason, 'allow'],
    detail: 'as expected',
    errors,
    errorsLater: mends ? errors : {},
    code: outcome.status === 200 ? 1 + fault.primed : 1,
    requests: 1 + fault.primed,
    internal: 0,
  }
  return [got, expected]
}

const configOf = (fault: Fault, replicas: readonly FaultyReplica[], good: string): string => {
  const [first = '', ...others] = replicas.map(({ url }) => url)
  const routes = { '/**': 'public' }
  const bad = { resource: 'https://api.test/bad', at: '/bad', name: 'bad', routes, replicas: others, ...fault.entry }
  const well = { resource: 'https://api.test/good', at: '/good', name: 'good', routes }
  return `${issuerYaml()}upstreams: ${JSON.stringify({ [first]: bad, [good]: well })}\n`
}

/** A record is made after the answer. */
const idle = (stage: TestGateway): Promise<void> =>
  eventually('nothing is open', async () => {
    const metrics = await stage.metrics()
    return gauge(metrics, 'audgate_open_requests') === 0 && gauge(metrics, 'audgate_open_tunnels') === 0
  })

/** Those of the fault. A line may still be on its way to the file. */
const linesOf = async (stage: TestGateway): Promise<readonly Record<string, unknown>[]> => {
  let lines: readonly Record<string, unknown>[] = []
  await eventually('the line of the request', async () => {
    lines = (await stage.log()).filter(({ msg, path }) => msg === 'request' && path === `/bad${faultPath}`)
    return lines.length > 0
  })
  return lines
}

const resultOf = ({ status, content, reason }: Answer): string => `${status} ${status === 200 ? content : reason}`

const matches = (detail: unknown, wanted: RegExp | ''): string => {
  if (wanted === '') return detail === undefined ? 'as expected' : String(detail)
  return wanted.test(String(detail)) ? 'as expected' : String(detail)
}

/** What of the upstream, its machine or ours reached the client. */
const leaksOf = (text: string, replicas: readonly FaultyReplica[]): readonly string[] => [
  ...replicas
    .flatMap(({ url }) => [new URL(url).host, new URL(url).port])
    .filter((word) => word && text.includes(word)),
  ...(/127\.0\.0\.1|\[?::1|localhost|E[A-Z]{4,}|UND_ERR|ERR_[A-Z]|node:|\bat \w+ \(/.exec(text) ?? []),
  ...(text.includes(secret) ? [secret] : []),
]
