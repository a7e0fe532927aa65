import { parseArgs } from 'node:util'
import { createGateway, production } from '../gateway.ts'
import { type ForegroundIo, usageFault, wrongUsage } from './command.ts'
import { findConfigFile, noConfigFile, requireConfig } from './config-file.ts'

export const usage = `usage: audgate serve [--config FILE]

Runs the gateway in the foreground. SIGTERM: readiness off, go on accepting for listen.timeouts.drain_delay, then finish
what is in flight within listen.timeouts.drain; SIGINT: the same without the delay; a second signal: at once.
Exit status: 0 good, 1 invalid config, address taken, or something had to be cut; 2 wrong usage.

  --config FILE   default: $AUDGATE_CONFIG, ./audgate.yaml, ./config/audgate.yaml, /etc/audgate/audgate.yaml`

/** Runs until a signal asks for the end. */
export const run = async (args: string[], io: ForegroundIo): Promise<number> => {
  let named: string | undefined
  try {
    named = parseArgs({ args, options: { config: { type: 'string' } } }).values.config
  } catch (error) {
    return wrongUsage(io, usage, usageFault(error))
  }
  const file = findConfigFile(named, io.env)
  if (file === undefined) return wrongUsage(io, usage, noConfigFile)
  const config = requireConfig(file, io)
  if (!config) return 1
  const gateway = createGateway(config, production)
  if (config.dev) gateway.log.logger.warn('the dev block is ignored: `audgate dev` reads it')
  try {
    await gateway.listen()
  } catch (error) {
    await gateway.close(0)
    io.stderr(`audgate serve: ${error instanceof Error ? error.message : 'cannot listen'}\n`)
    return 1
  }
  const signal = await stopped(io.signal)
  const cut = await gateway.close(signal === 'SIGTERM' ? config.listen.timeouts.drainDelayMs : 0)
  return cut === 0 ? 0 : 1
}

/** The name of the signal that asked for the end. */
const stopped = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
