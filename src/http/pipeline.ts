import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Expectation } from './handle.ts'

/** Begins with a request: decides about it, and answers it or sends it on. */
export type Begin = (request: IncomingMessage, response: ServerResponse, expects: Expectation) => void

/** What clients sent ahead of the answers that they wait for. */
export interface Pipelines {
  /** Takes a request behind one that is not answered yet; it is begun at once, or when its turn has come. */
  take(request: IncomingMessage, response: ServerResponse, expects: Expectation): void
  /** The answers under way behind the one that the connection waits for. */
  underWay(socket: Socket): Iterable<ServerResponse>
}

/**
 * At most {@link pipelineDepth} requests of a connection are under way at a time, so that one connection takes no more of
 * the upstream than sixteen would. What was sent beyond that waits for its turn, unjudged; a connection on which more than
 * {@link waitingAtMost} wait is cut: each of them takes memory (attacks on it need no token), and not to read on would
 * hide that the client has left (HS-27).
 */
export const createPipelines = (begin: Begin): Pipelines => {
  const pipelines = new WeakMap<Socket, Pipeline>()
  const open = (socket: Socket): Pipeline => {
    const pipeline: Pipeline = { underWay: new Set(), waiting: [], over: false }
    pipelines.set(socket, pipeline)
    socket.once('close', () => {
      pipeline.waiting.length = 0
    })
    return pipeline
  }
  const run = (socket: Socket, pipeline: Pipeline, { request, response, expects }: Waiting): void => {
    pipeline.underWay.add(response)
    response.once('close', () => {
      pipeline.underWay.delete(response)
      if (!response.writableFinished) {
        pipeline.over = true
        // Node gives the connection to it all the same, and would wait for its end.
        response.once('socket', (given) => given.destroySoon())
      }
      const next = socket.destroyed || pipeline.over ? undefined : pipeline.waiting.shift()
      if (next) run(socket, pipeline, next)
    })
    begin(request, response, expects)
  }
  return {
    take: (request, response, expects) => {
      const { socket } = request
      // Node takes the rest of a piece apart, even when the connection is cut.
      if (socket.destroyed) return
      const pipeline = pipelines.get(socket) ?? open(socket)
      const one = { request, response, expects }
      // One more is under way: the one that the connection waits for, which came alone or has moved up.
      if (!pipeline.over && pipeline.underWay.size < pipelineDepth - 1) run(socket, pipeline, one)
      else if (pipeline.waiting.length < waitingAtMost) pipeline.waiting.push(one)
      else socket.destroy()
    },
    underWay: (socket) => pipelines.get(socket)?.underWay ?? [],
  }
}

/** As many as other servers and proxies begin, and clients send. */
export const pipelineDepth = 16
/** Many times what any client sends ahead; about 2 kB each. */
export const waitingAtMost = 256

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly expects: Expectation
}

interface Pipeline {
  readonly underWay: Set<ServerResponse>
  readonly waiting: Waiting[]
  /** An answer was broken off: the connection ends at its turn, and nothing behind it is begun. */
  over: boolean
}
