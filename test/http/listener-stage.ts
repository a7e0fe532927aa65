import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Refusal } from '../../src/decision/refusal.ts'
import type { Dropped } from '../../src/http/connection-limits.ts'
import type { Handler } from '../../src/http/handle.ts'
import { createListener, type Listener } from '../../src/http/listener.ts'
import type { ListenOptions } from '../../src/http/options.ts'

/** A listener alone, with a handler of the test's. */
export interface ListenerStage {
  readonly listener: Listener
  readonly port: number
  readonly refusals: Refusal[]
  readonly dropped: Dropped[]
}

export interface ListenerSettings extends Partial<Pick<ListenOptions, 'tls' | 'trustedProxies' | 'host'>> {
  readonly timeouts?: Partial<ListenOptions['timeouts']>
  readonly limits?: Partial<ListenOptions['limits']>
  readonly handle?: Handler
  readonly lastCall?: () => Promise<number>
}

/** Closed with the test, without delay. */
export const startListener = async (
  t: TestContext,
  { timeouts, limits, handle = answerOk, lastCall = async () => 0, ...rest }: ListenerSettings = {},
): Promise<ListenerStage> => {
  const refusals: Refusal[] = []
  const dropped: Dropped[] = []
  const listener = createListener({
    listen: {
      host: '127.0.0.1',
      port: 0,
      trustedProxies: [],
      requireHttps: false,
      refuseEarlyData: false,
      tls: undefined,
      timeouts: { ...quick, ...timeouts },
      limits: { ...usual, ...limits },
      ...rest,
    },
    handle,
    refuse: (refusal) => {
      refusals.push(refusal)
      return Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    },
    dropped: (why) => dropped.push(why),
    lastCall,
    failed: (error) => assert.fail(error),
  })
  const { port } = await listener.listen()
  t.after(() => listener.close(0))
  return { listener, port, refusals, dropped }
}

const answerOk: Handler = (_request, response) => {
  response.end('ok')
  return undefined
}

const quick: ListenOptions['timeouts'] = {
  headerMs: 5000,
  idleMs: 5000,
  bodyIdleMs: 5000,
  requestMs: 0,
  connectionMs: 0,
  drainDelayMs: 0,
  drainMs: 5000,
}

const usual: ListenOptions['limits'] = {
  headerSize: 16384,
  targetSize: 8192,
  tokenSize: 8192,
  bodySize: 0,
  connections: 0,
  connectionsPerClient: 0,
  requestsPerConnection: 0,
}
