import type { Config } from '../config/config.ts'
import { type ReadFile, readRegularFile } from '../config/files.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import type { Io } from './command.ts'

/** Loads a config for a command that needs a good one; writes every problem to standard error. Warnings: `check`. */
export const requireConfig = (file: string, io: Io, readFile: ReadFile = readRegularFile): Config | undefined => {
  const loaded = loadConfig(file, { env: io.env, readFile })
  if (loaded.ok) return loaded.config
  for (const problem of loaded.problems) io.stderr(`${formatProblem(problem)}\n`)
  return undefined
}
