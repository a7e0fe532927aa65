import type { Config } from '../config/config.ts'
import { giveBack } from '../config/reclaim.ts'
import { createGateway, production } from '../gateway.ts'
import { createReloader, type Reloader } from '../reload.ts'
import { type ForegroundIo, stopped } from './command.ts'

/** `serve` in one process: runs until a signal asks for the end. SIGHUP, or a change of its files, is a reload. */
export const runSingle = async (config: Config, io: ForegroundIo): Promise<number> => {
  const gateway = createGateway(config, production)
  let running = config
  let reloader: Reloader | undefined
  let asked = false
  io.on('SIGHUP', () => {
    asked = true
    reloader?.now()
  })
  if (config.dev) gateway.log.logger.warn('the dev block is ignored: `audgate dev` reads it')
  try {
    await gateway.listen()
  } catch (error) {
    await gateway.close(0)
    io.stderr(`audgate serve: ${error instanceof Error ? error.message : 'cannot listen'}\n`)
    return 1
  }
  giveBack()
  reloader = createReloader({
    running: config,
    env: io.env,
    log: gateway.log,
    clock: production.clock,
    apply: async (next) => {
      running = next
      await gateway.reload(next)
    },
    refresh: gateway.refreshKeys,
    failed: gateway.reloadFailed,
  })
  // While it was not there yet.
  if (asked) reloader.now()
  const signal = await stopped(io.signal)
  reloader.close()
  const cut = await gateway.close(signal === 'SIGTERM' ? running.listen.timeouts.drainDelayMs : 0)
  return cut === 0 ? 0 : 1
}
