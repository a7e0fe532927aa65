import { type ListedResource, listRoutes } from '../config/listing.ts'
import { readArguments } from './arguments.ts'
import type { Run } from './command.ts'
import { requireConfig } from './config-file.ts'

export const usage = 'usage: audgate routes [--config FILE] [--format text|json]'

/** Shows what is served where, and what each route needs. */
export const run: Run = async (args, io) => {
  const asked = readArguments(args, io, usage, { format: true })
  if (typeof asked === 'number') return asked
  const config = requireConfig(asked.file, io)
  if (!config) return 1
  const resources = listRoutes(config)
  io.stdout(asked.format === 'json' ? `${JSON.stringify({ resources }, null, 2)}\n` : formatRoutes(resources))
  return 0
}

const formatRoutes = (resources: readonly ListedResource[]): string => {
  if (resources.length === 0) return 'nothing is served\n'
  return resources
    .map(({ name, resource, at, upstream, replicas = [], authorization, issuers, accept_audiences, routes }) => {
      const width = Math.max(...routes.map(({ route }) => route.length))
      const lines = [
        `${name}`,
        `  resource       ${resource}`,
        ...accept_audiences.map((audience) => `  also accepts   ${audience}`),
        `  at             ${at}`,
        `  upstream       ${[upstream, ...replicas].join(' ')}`,
        `  authorization  ${authorization}`,
        `  issuers        ${issuers.join(', ') || 'none: every token is refused'}`,
        ...routes.map(({ route, needs }) => `    ${route.padEnd(width)}  ${needs}`),
      ]
      return `${lines.join('\n')}\n`
    })
    .join('\n')
}
