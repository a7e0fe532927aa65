import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { eventually } from './eventually.ts'

/** A raw connection to the gateway that stays open: say something, wait for an answer, say more. */
export interface Conversation {
  readonly socket: Socket
  /** Everything that came so far, as latin1. */
  text(): string
  /** Whether the other side ended or reset the connection. */
  closed(): boolean
  /** Whether it was a reset, not an orderly end. */
  reset(): boolean
  say(bytes: string | Buffer): void
  /** Waits until what came satisfies the condition. */
  hear(what: string, condition: (text: string) => boolean): Promise<string>
  /** Waits for the end of the connection. */
  end(): Promise<string>
}

export const converse = async (t: TestContext, port: number): Promise<Conversation> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const conversation = conversationOn(t, socket)
  await new Promise((resolve) => socket.once('connect', resolve))
  return conversation
}

/** The same on a connection that somebody else opens; closed with the test. */
export const conversationOn = (t: TestContext, socket: Socket): Conversation => {
  let text = ''
  let closed = false
  let reset = false
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('end', () => {
    closed = true
  })
  socket.on('error', () => {
    reset = true
    closed = true
  })
  socket.on('close', () => {
    closed = true
  })
  t.after(() => socket.destroy())
  const hear = async (what: string, condition: (text: string) => boolean): Promise<string> => {
    await eventually(`${what}, but: ${JSON.stringify(text.slice(0, 600))}`, () => condition(text) || closed)
    if (!condition(text)) throw new Error(`closed before ${what}: ${JSON.stringify(text.slice(0, 600))}`)
    return text
  }
  return {
    socket,
    text: () => text,
    closed: () => closed,
    reset: () => reset,
    say: (bytes) => {
      socket.write(bytes)
    },
    hear,
    end: async () => {
      await eventually(`the end of the connection after ${JSON.stringify(text.slice(-300))}`, () => closed)
      return text
    },
  }
}
