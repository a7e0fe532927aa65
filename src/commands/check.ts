import type { Config } from '../config/config.ts'
import { type Loaded, loadConfig } from '../config/load.ts'
import { formatProblem, type Problem } from '../config/problem.ts'
import { readArguments } from './arguments.ts'
import { checkOnline } from './check-online.ts'
import type { Run } from './command.ts'

export const usage = `usage: audgate check [--config FILE] [--online] [--format text|json]

Checks a config file and says everything that is wrong with it, each as file:line:column: message.
Exit status: 0 good (warnings are no fault), 1 problems, 2 wrong usage.

  --config FILE   default: $AUDGATE_CONFIG, ./audgate.yaml, ./config/audgate.yaml, /etc/audgate/audgate.yaml
  --online        also loads each issuer's keys, asks about no token at its introspection endpoint, asks the store, and
                  tries a connection to each replica of an upstream
  --format        text (default) or json`

/** Checks a config file. Starts nothing; asks nobody but with --online. */
export const run: Run = async (args, io) => {
  const asked = readArguments(args, io, usage, { format: true, online: true })
  if (typeof asked === 'number') return asked
  const loaded = loadConfig(asked.file, { env: io.env })
  const faults = loaded.ok && asked.online ? await checkOnline(loaded.config) : []
  const ok = loaded.ok && faults.length === 0
  if (asked.format === 'json') {
    const problems = loaded.ok ? [] : loaded.problems.map(toJson)
    const warnings = warningsOf(loaded).map(toJson)
    io.stdout(`${JSON.stringify({ ok, problems, warnings, ...(asked.online && { online: faults }) }, null, 2)}\n`)
    return ok ? 0 : 1
  }
  for (const line of [...formatResult(loaded), ...faults]) io.stderr(`${line}\n`)
  if (loaded.ok && ok) io.stdout(`${summaryOf(loaded.config)}\n`)
  return ok ? 0 : 1
}

const warningsOf = (loaded: Loaded): readonly Problem[] => (loaded.ok ? loaded.config.warnings : loaded.warnings)

/** What `check` says of a file, without the summary: warnings, and every problem with its line. */
export const formatResult = (loaded: Loaded): readonly string[] => {
  const lines = warningsOf(loaded).map((warning) =>
    formatProblem({ ...warning, message: `warning: ${warning.message}` }),
  )
  return loaded.ok ? lines : [...loaded.problems.map(formatProblem), ...lines]
}

const summaryOf = ({ file, issuers, resources }: Config): string =>
  `${file}: ok, ${count(issuers.length, 'issuer')}, ${count(resources.all.length, 'resource')}`

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

const toJson = ({ file, line, column, message }: Problem) => ({ file, line, column, message })
