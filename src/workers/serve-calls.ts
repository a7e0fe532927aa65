import type { Answer, Call, CallName, Reply, Said } from './calls.ts'

/** What a worker does of what it is asked. */
export type Handlers = {
  readonly [Name in CallName]: (said: Said<Name>) => Answer<Name> | Promise<Answer<Name>> | Promise<void> | void
}

/**
 * Answers the supervisor's calls as they come, several at a time. What a handler throws is told as its message: none of
 * ours holds a secret.
 *
 * @param over called once the answer to `close` is on its way; nothing is answered after it
 */
export const serveCalls = (handlers: Handlers, over: () => void): void => {
  const reply = (message: Reply, sent: () => void = () => undefined): void => {
    // Without a supervisor there is nobody to tell, and Node ends this process.
    process.send?.(message, sent)
  }
  process.on('message', async (call: Call) => {
    const { id, name, said } = call
    try {
      const handle = handlers[name] as (said: unknown) => unknown // the two unions belong together
      const answer = await handle(said)
      reply({ id, ok: true, answer }, name === 'close' ? over : undefined)
    } catch (error) {
      reply({ id, ok: false, fault: error instanceof Error ? error.message : 'unknown' })
    }
  })
}
