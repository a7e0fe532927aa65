import { z } from 'zod'

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
  readonly format: 'json' | 'pretty'
}

/** `log`, written to standard output. */
export const logSchema = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
      .prefault('info')
      .describe('Least severe level that is written.'),
    format: z.enum(['json', 'pretty']).prefault('json').describe('One JSON object a line, or text for people.'),
  })
  .prefault({})
  .describe('The log on standard output.')
