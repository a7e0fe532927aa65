import { createGateway, production } from '../gateway.ts'
import { readArguments } from './arguments.ts'
import { type ForegroundIo, stopped } from './command.ts'
import { requireConfig } from './config-file.ts'

export const usage = `usage: audgate serve [--config FILE]

Runs the gateway in the foreground. SIGTERM: readiness off, go on accepting for listen.timeouts.drain_delay, then finish
what is in flight within listen.timeouts.drain; SIGINT: the same without the delay; a second signal: at once. SIGHUP loads
the issuers' keys and the certificates again, so that a removed key ends now.
Exit status: 0 good, 1 invalid config, address taken, or something had to be cut; 2 wrong usage.

  --config FILE   default: $AUDGATE_CONFIG, ./audgate.yaml, ./config/audgate.yaml, /etc/audgate/audgate.yaml`

/** Runs until a signal asks for the end. */
export const run = async (args: string[], io: ForegroundIo): Promise<number> => {
  const asked = readArguments(args, io, usage)
  if (typeof asked === 'number') return asked
  const config = requireConfig(asked.file, io)
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
  io.on('SIGHUP', () => {
    // Reloading the config is for a later version; flushing keys is what an operator needs at once (AS-11).
    gateway.log.logger.warn('SIGHUP: keys and certificates are loaded again; the config is not, which takes a restart')
    void gateway.reloadKeys()
  })
  const signal = await stopped(io.signal)
  const cut = await gateway.close(signal === 'SIGTERM' ? config.listen.timeouts.drainDelayMs : 0)
  return cut === 0 ? 0 : 1
}
