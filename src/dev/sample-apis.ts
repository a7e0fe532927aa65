import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { closeServer, listen, loopbackAddress } from './listening.ts'

export interface SampleApiOptions {
  /** The upstream base URI at which the gateway expects it. */
  readonly url: string
  /** Name of the resource: chooses the sample data. */
  readonly name: string
  /** The header fields by which the gateway says who calls. */
  readonly identityHeaders: readonly string[]
  /** Config key of the URL, for errors. */
  readonly configKey: string
}

/**
 * An API as it would stand behind the gateway: it answers everything, with what it received and some data. It checks no
 * token on purpose, because that is the gateway's work, and it never repeats one. Rejects when its address is taken.
 */
export const startSampleApi = async (options: SampleApiOptions): Promise<{ readonly close: () => Promise<void> }> => {
  const address = loopbackAddress(options.url)
  if (address === undefined) {
    throw new Error(
      `${options.configKey}: a sample API needs an address like http://127.0.0.1:4501, not ${options.url}`,
    )
  }
  const server = createServer((request, response) => answer(request, response, options))
  await listen(server, { ...address, configKey: options.configKey })
  return { close: () => closeServer(server) }
}

const answer = (request: IncomingMessage, response: ServerResponse, options: SampleApiOptions): void => {
  let received = 0
  request.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  request.on('end', () => {
    const body = JSON.stringify(
      {
        api: options.name,
        method: request.method,
        path: request.url,
        identity: pick(request.headers, options.identityHeaders),
        authorization: request.headers.authorization === undefined ? 'not forwarded' : 'forwarded',
        bytes_received: received,
        data: sampleFor(options.name),
      },
      undefined,
      2,
    )
    response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' })
    response.end(request.method === 'HEAD' ? undefined : `${body}\n`)
  })
}

const pick = (headers: IncomingHttpHeaders, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => (headers[name.toLowerCase()] ? [[name, headers[name.toLowerCase()]]] : [])),
  )

/** By the last word of the name: `orders` and `api-example-com-orders` are the same to a newcomer. */
const sampleFor = (name: string): readonly object[] =>
  SAMPLES.get(name.split(/[^A-Za-z0-9]+/).at(-1) ?? '') ?? [{ id: '42', name: 'a thing' }]

const SAMPLES: ReadonlyMap<string, readonly object[]> = new Map([
  [
    'orders',
    [
      { id: '42', item: 'tea', quantity: 2 },
      { id: '43', item: 'cups', quantity: 6 },
    ],
  ],
  [
    'billing',
    [
      { id: '2026-001', order: '42', total: '11.80' },
      { id: '2026-002', order: '43', total: '54.00' },
    ],
  ],
])
