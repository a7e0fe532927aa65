import { existsSync } from 'node:fs'
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
