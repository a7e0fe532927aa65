import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** One request as it came. */
export interface IntrospectionCall {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
  /** Which connection it came on, from 0. */
  readonly connection: number
}

/** What to say: members of a 200 in JSON, or anything, by hand. */
export type IntrospectionReply = Readonly<Record<string, unknown>> | ((response: ServerResponse) => void)

/** An introspection endpoint on a socket that says what it is told, and remembers who asked. */
export interface IntrospectionServer {
  readonly url: string
  readonly origin: string
  readonly calls: readonly IntrospectionCall[]
  /** The tokens that were asked about, in order. */
  readonly tokens: () => readonly string[]
  /** From now on, for every token. */
  say(reply: IntrospectionReply | ((call: IntrospectionCall) => IntrospectionReply | Promise<IntrospectionReply>)): void
  close(): Promise<void>
}

/** Marks a function that answers by hand, which must not be asked for an answer. */
const byHand = new WeakSet<object>()

const hand = (answer: (response: ServerResponse) => void): IntrospectionReply => {
  byHand.add(answer)
  return answer
}

export const startIntrospectionServer = async (t: Pick<TestContext, 'after'>): Promise<IntrospectionServer> => {
  const calls: IntrospectionCall[] = []
  let reply: Parameters<IntrospectionServer['say']>[0] = { active: false }
  let connections = 0
  const numbers = new WeakMap<object, number>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', async () => {
      const call: IntrospectionCall = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        form: new URLSearchParams(Buffer.concat(chunks).toString()),
        connection: numbers.get(request.socket) ?? -1,
      }
      calls.push(call)
      const said = typeof reply === 'function' && !byHand.has(reply) ? await (reply as Asking)(call) : reply
      if (typeof said === 'function') (said as (response: ServerResponse) => void)(response)
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said))
    })
  })
  server.on('connection', (socket) => numbers.set(socket, connections++))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  t.after(close)
  return {
    url: `${origin}/introspect`,
    origin,
    calls,
    tokens: () => calls.map(({ form }) => form.get('token') ?? ''),
    say: (next) => {
      reply = next
    },
    close,
  }
}

type Asking = (call: IntrospectionCall) => IntrospectionReply | Promise<IntrospectionReply>

/** A whole answer: status, content, media type and further fields. */
export const raw = (
  status: number,
  body: string | Buffer = '',
  type: string | undefined = 'application/json',
  fields: Readonly<Record<string, string>> = {},
): IntrospectionReply =>
  hand((response) => {
    response.writeHead(status, { ...(type === '' ? {} : { 'content-type': type }), ...fields }).end(body)
  })

/** Takes the request and never answers. */
export const silence: IntrospectionReply = hand(() => undefined)

/** Breaks the connection instead of answering. */
export const reset: IntrospectionReply = hand((response) => response.socket?.destroy())

/** Announces JSON and sends without end. */
export const endless: IntrospectionReply = hand((response) => {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const pour = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', pour).on('error', () => undefined)
  response.writeHead(200, { 'content-type': 'application/json' })
  pour()
})

/** Begins an answer and stops half-way. */
export const drip: IntrospectionReply = hand((response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"active":')
})
