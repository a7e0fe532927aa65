import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { startGateway, type TestGateway } from './gateway.ts'
import { issuerYaml, liveToken, ORDERS } from './orders.ts'

/** One request as it stood on the wire to an upstream, read strictly. */
export interface WireRequest {
  readonly line: string
  /** Every field line in order, as sent. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Content without chunk framing, as latin1. */
  readonly body: string
  /** Trailer lines of a chunked request. */
  readonly trailers: readonly string[]
  /** On which connection of the upstream, from 0. */
  readonly connection: number
  /** Values of a field, whatever the case of its name. */
  values(name: string): readonly string[]
}

/** An upstream that records every byte it receives. Zero contact means zero connections. */
export interface Spy {
  readonly port: number
  readonly url: string
  readonly requests: WireRequest[]
  readonly connections: () => number
  /** Every byte of every connection, as latin1. */
  readonly bytes: () => string
}

/** Bytes to send back, or undefined when the answer is given through the socket. */
export type SpyAnswer = (request: WireRequest, socket: Socket) => string | Buffer | undefined

const ok: SpyAnswer = ({ line }) =>
  `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${line.startsWith('HEAD ') ? '' : 'ok'}`

export const startSpy = async (t: TestContext, answer: SpyAnswer = ok): Promise<Spy> => {
  const requests: WireRequest[] = []
  const received: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const connection = received.push('') - 1
    let rest = ''
    sockets.add(socket)
    socket.setEncoding('latin1')
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: string) => {
      received[connection] += chunk
      rest += chunk
      for (let parsed = parse(rest, connection); parsed; parsed = parse(rest, connection)) {
        rest = parsed.rest
        requests.push(parsed.request)
        const reply = answer(parsed.request, socket)
        if (reply !== undefined) socket.write(reply, 'latin1')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    connections: () => received.length,
    bytes: () => received.join(''),
  }
}

/** A gateway in front of a spy, which serves one resource under `/orders` of any host. */
export interface SpiedStage extends TestGateway {
  readonly spy: Spy
  token(claims?: Readonly<Record<string, unknown>>): string
  /** `Authorization: Bearer …` with a good token. */
  readonly authorization: string
}

export interface SpiedOptions {
  readonly answer?: SpyAnswer
  /** Members of the upstream entry. */
  readonly entry?: Readonly<Record<string, unknown>>
  readonly listen?: Readonly<Record<string, unknown>>
  /** Further top-level YAML. */
  readonly extra?: string
  /** Base path of the upstream. */
  readonly base?: string
}

export const startSpied = async (
  t: TestContext,
  { answer, entry = {}, listen = {}, extra = '', base = '' }: SpiedOptions = {},
): Promise<SpiedStage> => {
  const spy = await startSpy(t, answer)
  const map = { [`${spy.url}${base}`]: { resource: ORDERS, at: '/orders', name: 'orders', ...entry } }
  const gateway = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}\n${extra}`, listen)
  return { ...gateway, spy, token: liveToken, authorization: `Authorization: Bearer ${liveToken()}` }
}

const parse = (
  text: string,
  connection: number,
): { readonly request: WireRequest; readonly rest: string } | undefined => {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [line = '', ...lines] = text.slice(0, end).split('\r\n')
  const fields = lines.map((field) => {
    const colon = field.indexOf(': ')
    return [field.slice(0, colon), field.slice(colon + 2)] as const
  })
  const values = (name: string): readonly string[] =>
    fields.filter(([given]) => given.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  const content = text.slice(end + 4)
  const read = values('transfer-encoding').length > 0 ? readChunks(content) : readLength(content, values)
  if (!read) return undefined
  const { body, trailers, rest } = read
  return { request: { line, fields, body, trailers, connection, values }, rest }
}

interface Content {
  readonly body: string
  readonly trailers: readonly string[]
  readonly rest: string
}

const readLength = (content: string, values: (name: string) => readonly string[]): Content | undefined => {
  const length = Number(values('content-length')[0] ?? 0)
  if (content.length < length) return undefined
  return { body: content.slice(0, length), trailers: [], rest: content.slice(length) }
}

const readChunks = (content: string): Content | undefined => {
  let body = ''
  for (let at = 0; ; ) {
    const end = content.indexOf('\r\n', at)
    if (end < 0) return undefined
    const size = Number.parseInt(content.slice(at, end), 16)
    if (size === 0) {
      const close = content.indexOf('\r\n\r\n', at)
      if (close < 0) return undefined
      const trailers = content
        .slice(end + 2, close + 2)
        .split('\r\n')
        .filter((line) => line !== '')
      return { body, trailers, rest: content.slice(close + 4) }
    }
    if (content.length < end + 2 + size + 2) return undefined
    body += content.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
  }
}
