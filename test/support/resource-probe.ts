import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// For `--import`, in a process of its own: at SIGUSR2 it says on standard error what the process holds, after a
// collection. The report is a JSON line that begins with {"holds".
setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

process.on('SIGUSR2', () => {
  if (typeof collect === 'function') for (const _ of [1, 2]) collect()
  const holds: Record<string, number> = {}
  for (const { type, is_active } of handles()) if (is_active) holds[type] = (holds[type] ?? 0) + 1
  const { heapUsed, external, rss } = process.memoryUsage()
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  process.stderr.write(`${JSON.stringify({ holds, timers, heap: heapUsed, external, rss })}\n`)
})

/** Also those that would not keep the process alive: watchers, and connections of servers that were closed. */
const handles = (): readonly { readonly type: string; readonly is_active: boolean }[] => {
  const { libuv }: { libuv?: readonly { type: string; is_active: boolean }[] } = process.report.getReport()
  return libuv ?? []
}
