import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The answer that the connection waits for, begun or not. Node says it nowhere else. */
export const answerUnderWay = (socket: Socket): ServerResponse | undefined => {
  const message: unknown = Reflect.get(socket, '_httpMessage')
  return message instanceof ServerResponse ? message : undefined
}

/** Whether a request has come on the connection whose content has not, be it answered already. Node says it nowhere else. */
export const isContentComing = (socket: Socket): boolean => {
  const parser: unknown = Reflect.get(socket, 'parser')
  const message: unknown = typeof parser === 'object' && parser !== null ? Reflect.get(parser, 'incoming') : undefined
  return message instanceof IncomingMessage && !message.complete
}

/**
 * Whether the connection waits for an answer that is said, or read, in its own time. Not one that was said to its end and
 * that nobody waits to see drained: those are the gateway's own. Who relays an answer to a client that does not take it
 * waits for `drain`, and has a patience of his own (`upstreams.NAME.timeouts.idle`).
 */
export const isAnswerAwaited = (socket: Socket): boolean => {
  const answer = answerUnderWay(socket)
  return answer !== undefined && (!answer.writableEnded || answer.listenerCount('drain') > 0)
}

/**
 * Ends the connection after this answer and those of the requests that were pipelined behind it.
 *
 * @param reached called for each of those when its turn has come
 */
export const endAfter = (
  answer: ServerResponse,
  socket: Socket,
  reached: (next: ServerResponse) => void = () => undefined,
): void => {
  answer.once('finish', () => {
    // By now Node has given the connection to the next one.
    const next = answerUnderWay(socket)
    if (!next || next === answer) {
      socket.destroySoon()
      return
    }
    endAfter(next, socket, reached)
    reached(next)
  })
}

/** Says an answer on a connection that has no other one, and ends it. */
export const endWith = (answer: Buffer, socket: Socket): void => {
  socket.end(answer)
  // The answer is flushed by then, or the client does not read it.
  setTimeout(() => socket.destroy(), 1000).unref()
}
