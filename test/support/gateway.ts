import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { type Clock, systemClock } from '../../src/keys/clock.ts'

/** A gateway on ephemeral ports, in this process, closed with the test. */
export interface TestGateway {
  readonly gateway: Gateway
  readonly config: Config
  /** What the config was made from. */
  readonly text: string
  /** Puts another config in its place, with the same `listen` and `admin` unless `change` makes the whole text another. */
  reload(yaml: string, change?: (text: string) => string): Promise<boolean>
  readonly port: number
  readonly adminPort: number
  readonly url: string
  /** Everything logged so far, one object a line. Closes nothing; waits for what is buffered. */
  log(): Promise<readonly Record<string, unknown>[]>
  logText(): Promise<string>
  metrics(): Promise<string>
}

/** The config of a YAML text, or an error with every problem. */
export const configOf = (yaml: string): Config => {
  const loaded = parseConfig(yaml, join(process.cwd(), 'config/test.yaml'), { env: {} })
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'))
  return loaded.config
}

/**
 * Starts a gateway on a config without `listen` and `admin` (they are added), or with the `listen` members given.
 * Resolves when it is bound; keys may still be loading.
 */
export const startGateway = async (
  t: TestContext,
  yaml: string,
  listen: Readonly<Record<string, unknown>> = {},
  clock: Clock = systemClock,
): Promise<TestGateway> => {
  const head = `listen: ${JSON.stringify({ address: '127.0.0.1:0', ...listen })}\nadmin: 127.0.0.1:0\n`
  const config = configOf(head + yaml)
  const folder = mkdtempSync(join(tmpdir(), 'audgate-log-'))
  const file = join(folder, 'log.jsonl')
  const created = createGateway(config, { logTarget: file, clock })
  let closing: Promise<number> | undefined
  // A test may close it before its end does.
  const close: Gateway['close'] = (delayMs, drainMs) => {
    closing ??= created.close(delayMs, drainMs)
    return closing
  }
  const gateway = { ...created, close }
  const bound = await gateway.listen()
  t.after(async () => {
    // Idle connections would else have their moment of grace.
    await gateway.close(0, 0)
    rmSync(folder, { recursive: true })
  })
  const adminPort = bound.admin?.port ?? 0
  const logText = async (): Promise<string> => {
    gateway.log.flushSync()
    return readFileSync(file, 'utf8')
  }
  return {
    gateway,
    config,
    text: head + yaml,
    reload: (next, change = (text) => text) => gateway.reload(configOf(change(head + next))),
    port: bound.address.port,
    adminPort,
    url: `http://127.0.0.1:${bound.address.port}`,
    log: async () =>
      (await logText())
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    logText,
    metrics: async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(),
  }
}
