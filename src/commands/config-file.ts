import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import type { Io } from './command.ts'

/** Where a config is looked for when nobody names one, in this order (contract section 5). */
export const usualPlaces = ['./audgate.yaml', './config/audgate.yaml', '/etc/audgate/audgate.yaml']

/** `--config`, else `$AUDGATE_CONFIG`, else the first that exists of the usual places; undefined: there is none. */
export const findConfigFile = (
  option: string | undefined,
  env: Io['env'],
  exists: (file: string) => boolean = existsSync,
): string | undefined => option ?? (env.AUDGATE_CONFIG || undefined) ?? usualPlaces.find(exists)

export const noConfigFile = `no config file: name one with --config or in AUDGATE_CONFIG (looked for ${usualPlaces.join(', ')})`

/** Loads a config for a command that needs a good one; writes every problem to standard error. Warnings: `check`. */
export const requireConfig = (file: string, io: Io): Config | undefined => {
  const loaded = loadConfig(file, { env: io.env })
  if (loaded.ok) return loaded.config
  for (const problem of loaded.problems) io.stderr(`${formatProblem(problem)}\n`)
  return undefined
}
