import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { type Io, usageFault, wrongUsage } from './command.ts'
import { findConfigFile, noConfigFile } from './config-place.ts'

/** What the commands that start from a config file are asked. */
export interface Asked {
  readonly file: string
  readonly format: 'text' | 'json'
  readonly online: boolean
}

/**
 * Reads `--config`, and `--format` and `--online` where the command takes them. A number is the exit status of wrong
 * usage, which has been said already.
 */
export const readArguments = (
  args: string[],
  io: Io,
  usage: string,
  takes: { readonly format?: true; readonly online?: true } = {},
): Asked | number => {
  const options: ParseArgsOptionsConfig = { config: { type: 'string' } }
  if (takes.format) options.format = { type: 'string' }
  if (takes.online) options.online = { type: 'boolean' }
  let values: ReturnType<typeof parseArgs>['values']
  try {
    values = parseArgs({ args, options }).values
  } catch (error) {
    return wrongUsage(io, usage, usageFault(error))
  }
  const { config, format = 'text', online } = values
  if (format !== 'text' && format !== 'json') return wrongUsage(io, usage, '--format is text or json')
  const file = findConfigFile(typeof config === 'string' ? config : undefined, io.env)
  return file === undefined ? wrongUsage(io, usage, noConfigFile) : { file, format, online: online === true }
}
