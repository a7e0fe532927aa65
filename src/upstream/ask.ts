import type { Socket } from 'node:net'
import { Client, errors } from 'undici'
import type { Connector } from './connector.ts'
import { faultOf, refusalOf } from './failure.ts'
import type { ReplicaOptions } from './options.ts'
import type { InTurn } from './turns.ts'

/**
 * Asks a replica how it is, on a connection of its own and without any credential: `good`, or why it is not, without a
 * word that the replica chose; undefined: it could not be asked for want of our own means, or was not any more, as `stop`
 * was called. Never rejects.
 */
export interface Ask {
  (timeoutMs: number): Promise<'good' | string | undefined>
  stop(): void
}

/**
 * @param path from the root of the replica's origin
 * @param connector the one to be used now
 * @param after runs something once after so many milliseconds, unless the function returned is called before
 * @param inTurn when it may be asked; its time begins then
 */
export const createAsk = (
  replica: ReplicaOptions,
  path: string,
  connector: () => Connector,
  after: (ms: number, run: () => void) => () => void,
  inTurn: InTurn,
): Ask => {
  let end = ignore
  let stopped = false
  const askNow = async (timeoutMs: number): Promise<'good' | string | undefined> => {
    if (stopped) return undefined
    let begun: Socket | undefined
    const connect = connector()
    // The time is for the whole answer, and is kept here.
    const client = new Client(replica.origin, {
      connect: (asked, callback) => {
        begun = connect(asked, callback)
      },
      useMilo: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 64 * 1024,
    })
    client.once('connect', () => {
      begun = undefined
    })
    let cancel = ignore
    const answer = await new Promise<'good' | string | undefined>((resolve) => {
      cancel = after(timeoutMs, () => resolve('no answer in time'))
      end = () => resolve(undefined)
      let status = 0
      let octets = 0
      client.dispatch(
        {
          method: 'GET',
          path,
          headers: ['Host', replica.authority, 'User-Agent', 'audgate-health-check'],
          // `Connection: close`.
          reset: true,
        },
        {
          onRequestStart: ignore,
          onResponseStart: (_, received) => {
            status = received
          },
          onResponseData: (_, chunk) => {
            octets += chunk.length
            if (octets > contentAtMost) resolve('too much content')
          },
          onResponseEnd: () => resolve(status >= 200 && status <= 299 ? 'good' : `status ${status}`),
          // What our process lacks is the same for every replica: none would be left.
          onResponseError: (_, error) =>
            resolve(refusalOf(error, false).reason === 'internal' ? undefined : faultOf(error)),
        },
      )
    })
    cancel()
    const over = client.destroy()
    // undici forgets a connection that is still being made.
    begun?.destroy(new errors.RequestAbortedError())
    await over
    return answer
  }
  const ask = (timeoutMs: number) => inTurn(() => askNow(timeoutMs))
  const stop = (): void => {
    stopped = true
    end()
  }
  return Object.assign(ask, { stop })
}

const ignore = (): void => undefined

/** More is no answer to this question, and is not read to its end. */
const contentAtMost = 1024 * 1024
