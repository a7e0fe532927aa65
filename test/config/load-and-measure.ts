import { loadConfig } from '../../src/config/load.ts'
import { threadMs } from './thread-ms.ts'

// A process of its own, so that its peak of memory is that of loading one file.
let resources = 0
let routes = 0
const ms = threadMs(() => {
  const loaded = loadConfig(process.argv[2] ?? '', { env: {} })
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message)
  const { all } = loaded.config.resources
  resources = all.length
  routes = all.reduce((sum, resource) => sum + resource.all.length, 0)
})
const maxRssMB = Math.round(process.resourceUsage().maxRSS / 1024)
process.stdout.write(`${JSON.stringify({ resources, routes, threadMs: Math.round(ms), maxRssMB })}\n`)
