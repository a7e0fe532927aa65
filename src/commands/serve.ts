import { resolve } from 'node:path'
import { type FileRead, readRegularFile } from '../config/files.ts'
import { readArguments } from './arguments.ts'
import type { ForegroundIo } from './command.ts'
import { requireConfig } from './config-file.ts'

export const usage = `usage: audgate serve [--config FILE]

Runs the gateway in the foreground. SIGTERM: readiness off, go on accepting for listen.timeouts.drain_delay, then finish
what is in flight within listen.timeouts.drain; SIGINT: the same without the delay; a second signal: at once. SIGHUP
loads the config again where it has changed, and the issuers' keys in any case, so that a removed key ends now.
Exit status: 0 good, 1 invalid config, address taken, or something had to be cut; 2 wrong usage.

  --config FILE   default: $AUDGATE_CONFIG, ./audgate.yaml, ./config/audgate.yaml, /etc/audgate/audgate.yaml`

/** Anybody may set a variable, and have a channel to whom it has started. */
const isForked = async (): Promise<boolean> => (await import('node:cluster')).default.isWorker

/** Runs until a signal asks for the end: in this process, or as the supervisor of `workers`. */
export const run = async (args: string[], io: ForegroundIo): Promise<number> => {
  // A supervisor has started this process, and says what there is to serve.
  if (io.env.AUDGATE_WORKER !== undefined && process.send && (await isForked())) {
    const { runWorker } = await import('../workers/worker.ts')
    return runWorker(io)
  }
  const asked = readArguments(args, io, usage)
  if (typeof asked === 'number') return asked
  const files = new Map<string, FileRead>()
  const config = requireConfig(asked.file, io, (path) => {
    const read = readRegularFile(path)
    files.set(resolve(path), read)
    return read
  })
  if (!config) return 1
  if (config.workers === 1) {
    files.clear()
    const { runSingle } = await import('./serve-single.ts')
    return runSingle(config, io)
  }
  const { runWorkers } = await import('../workers/run-workers.ts')
  return runWorkers(config, files, io)
}
