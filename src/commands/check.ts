import { parseArgs } from 'node:util'
import type { Config } from '../config/config.ts'
import { type Loaded, loadConfig } from '../config/load.ts'
import { formatProblem, type Problem } from '../config/problem.ts'
import { type Io, type Run, usageFault, wrongUsage } from './command.ts'
import { findConfigFile, noConfigFile } from './config-file.ts'

export const usage = 'usage: audgate check [--config FILE] [--format text|json]'

/** Checks a config file and says everything that is wrong with it. Starts nothing and asks nobody. */
export const run: Run = async (args, io) => {
  let values: { config?: string | undefined; format: string }
  try {
    values = parseArgs({
      args,
      options: { config: { type: 'string' }, format: { type: 'string', default: 'text' } },
    }).values
  } catch (error) {
    return wrongUsage(io, usage, usageFault(error))
  }
  const { format } = values
  if (format !== 'text' && format !== 'json') return wrongUsage(io, usage, '--format is text or json')
  const file = findConfigFile(values.config, io.env)
  if (file === undefined) return wrongUsage(io, usage, noConfigFile)

  const loaded = loadConfig(file, { env: io.env })
  const warnings = loaded.ok ? loaded.config.warnings : loaded.warnings
  if (format === 'json') {
    const problems = loaded.ok ? [] : loaded.problems.map(toJson)
    io.stdout(`${JSON.stringify({ ok: loaded.ok, problems, warnings: warnings.map(toJson) }, null, 2)}\n`)
  } else {
    writeText(loaded, io)
  }
  return loaded.ok ? 0 : 1
}

const writeText = (loaded: Loaded, io: Io): void => {
  for (const line of formatResult(loaded)) io.stderr(`${line}\n`)
  if (loaded.ok) io.stdout(`${summaryOf(loaded.config)}\n`)
}

/** What `check` says of a file, without the summary: warnings, and every problem with its line. */
export const formatResult = (loaded: Loaded): readonly string[] => {
  const warnings = loaded.ok ? loaded.config.warnings : loaded.warnings
  const lines = warnings.map((warning) => formatProblem({ ...warning, message: `warning: ${warning.message}` }))
  return loaded.ok ? lines : [...loaded.problems.map(formatProblem), ...lines]
}

const summaryOf = ({ file, issuers, resources }: Config): string =>
  `${file}: ok, ${count(issuers.length, 'issuer')}, ${count(resources.all.length, 'resource')}`

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

const toJson = ({ file, line, column, message }: Problem) => ({ file, line, column, message })
