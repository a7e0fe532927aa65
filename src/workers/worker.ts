import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import { giveBack } from '../config/reclaim.ts'
import { createGateway, type Gateway, production } from '../gateway.ts'
import type { Bound, FileContents, Start } from './calls.ts'
import { type Handlers, serveCalls } from './serve-calls.ts'

/** What a worker has of the outside world. */
export interface WorkerIo {
  /** Where `${NAME}` comes from. */
  readonly env: Environment
  on(signal: 'SIGHUP', run: () => void): void
}

/**
 * Serves what the supervisor says, in this process, until it says that it is over. The public listener is shared with
 * the other workers; there is no admin listener. Signals do nothing here: who sends one to the whole process group, as a
 * terminal and systemd do, means the supervisor, which tells us. When that is gone, Node ends this process.
 *
 * @returns 0: the supervisor knows what was cut
 */
export const runWorker = async ({ env, on }: WorkerIo): Promise<number> => {
  on('SIGHUP', () => undefined)
  await new Promise<void>((over) => {
    serveCalls(handlersOf(env), over)
  })
  process.disconnect()
  return 0
}

const handlersOf = (env: Environment): Handlers => {
  let gateway: Gateway | undefined
  let configOf = (_: FileContents): Config => notStarted()
  const running = (): Gateway => gateway ?? notStarted()

  return {
    start: async (start: Start): Promise<Bound> => {
      const { worker, files, reloaded, whenReady, draining } = start
      configOf = (contents) => loadFrom(contents, start, env)
      gateway = createGateway(configOf(files), { ...production, worker })
      if (reloaded !== undefined) await gateway.reload(configOf(reloaded))
      if (draining) gateway.status.drain()
      if (whenReady) await settled(gateway)
      const { address } = await gateway.listen()
      giveBack()
      return { address: address.address, port: address.port }
    },
    reload: async (files) => {
      const { reload } = running()
      // It goes on with what it had: the supervisor puts another in its place, for all run the same config.
      if (!(await reload(configOf(files)))) throw new Error('the config could not be put in place')
    },
    reloadFailed: () => running().reloadFailed(),
    refresh: () => running().refreshKeys(),
    drain: () => running().status.drain(),
    settled: () => settled(running()),
    ready: () => running().status.ready(),
    metrics: () => running().status.metrics.expose(),
    issuers: () => running().status.issuers(),
    routes: () => running().status.routes(),
    config: () => running().status.config(),
    close: async ({ delayMs, drainMs }) => {
      const { close, status } = running()
      const cut = await close(delayMs, drainMs)
      return { cut, metrics: await status.metrics.expose() }
    },
  }
}

const settled = async ({ status }: Gateway): Promise<void> => {
  while (!(await status.ready()).ok) await setTimeout(lookMs)
}

/** How often a worker that waits for keys looks whether they have come. */
const lookMs = 20

const notStarted = (): never => {
  throw new Error('the worker was not started')
}

/** What the supervisor has loaded already, from the same contents; it has told the warnings, too. */
const loadFrom = (contents: FileContents, { file, nonceSecret }: Start, env: Environment): Config => {
  const loaded = loadConfig(file, {
    env,
    readFile: (path) => contents.get(resolve(path)) ?? { ok: false, fault: 'was not read with the config' },
  })
  if (!loaded.ok) {
    const [problem] = loaded.problems
    throw new Error(`the config that the supervisor has loaded does not load here: ${problem?.message ?? 'unknown'}`)
  }
  const { config } = loaded
  return { ...config, warnings: [], dpop: { ...config.dpop, nonceSecret: config.dpop.nonceSecret ?? nonceSecret } }
}
