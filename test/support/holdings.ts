import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AudgateProcess } from './audgate-process.ts'
import { eventually } from './eventually.ts'

/** What a process holds. */
export interface Holdings {
  /** Active handles of libuv by their type: tcp, fs_event, timer … */
  readonly holds: Readonly<Record<string, number>>
  readonly timers: number
  /** Bytes after a collection. */
  readonly heap: number
  readonly external: number
  readonly rss: number
  readonly descriptors: number
}

/** The environment in which `startAudgate` answers {@link holdingsOf}. */
export const probed = { NODE_OPTIONS: `--import ${join(import.meta.dirname, 'resource-probe.ts')}` }

/** Asks a process that was started with {@link probed}. Linux only: descriptors are those of /proc. */
export const holdingsOf = async ({ child, stderr }: AudgateProcess): Promise<Holdings> => {
  const reports = (): readonly string[] => stderr().match(/^\{"holds".*\}$/gm) ?? []
  const before = reports().length
  child.kill('SIGUSR2')
  await eventually('a report', () => reports().length > before, 20_000)
  const report: Omit<Holdings, 'descriptors'> = JSON.parse(reports().at(-1) ?? '')
  return { ...report, descriptors: readdirSync(`/proc/${child.pid}/fd`).length }
}
