import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { type Clock, systemClock } from '../../src/keys/clock.ts'
import { createReloader, type Reloader } from '../../src/reload.ts'
import type { TestGateway } from './gateway.ts'

/** A gateway whose config file, in a folder of its own, is followed. */
export interface Followed extends Reloader {
  readonly file: string
  /** Puts another text in the place of the file's. */
  write(text: string): void
}

/** Follows the config of a gateway that was started on a text, as `serve` does, until the test is over. */
export const followFiles = (
  t: TestContext,
  { gateway, text }: Pick<TestGateway, 'gateway' | 'text'>,
  clock: Clock = systemClock,
): Followed => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-config-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'audgate.yaml')
  const write = (next: string): void => writeFileSync(file, next)
  write(text)
  const loaded = loadConfig(file, { env: {} })
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'))
  const reloader = createReloader({
    running: loaded.config,
    env: {},
    log: gateway.log,
    clock,
    apply: async (next) => {
      await gateway.reload(next)
    },
    refresh: gateway.refreshKeys,
    failed: gateway.reloadFailed,
  })
  t.after(reloader.close)
  return { ...reloader, file, write }
}
