import { parseArgs } from 'node:util'
import { jsonSchema } from '../config/json-schema.ts'
import { type Run, usageFault, wrongUsage } from './command.ts'

export const usage = 'usage: audgate schema'

/** Prints the JSON Schema of the config file. */
export const run: Run = async (args, io) => {
  try {
    parseArgs({ args, options: {} })
  } catch (error) {
    return wrongUsage(io, usage, usageFault(error))
  }
  io.stdout(`${JSON.stringify(jsonSchema(), null, 2)}\n`)
  return 0
}
