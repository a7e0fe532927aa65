import type { TestContext } from 'node:test'
import { createKeySource, type KeyIssuer } from '../../src/keys/index.ts'
import type { KeySource } from '../../src/keys/key-source.ts'
import type { KeyOptions } from '../../src/keys/options.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { type RecordedEvents, recordEvents } from './key-events.ts'

export const minute = 60_000
export const hour = 60 * minute

/** The defaults of the contract, but for a shorter timeout, which is real time. */
export const refresh = { intervalMs: 10 * minute, maxStaleMs: 24 * hour, cooldownMs: 30_000, timeoutMs: 2_000 }

export interface Started {
  readonly source: KeySource
  readonly events: RecordedEvents
  readonly clock: ManualClock
}

/** A source with a clock of the test's and the longest of all random delays (`random: 0`: the shortest). */
export const startSource = (
  t: Pick<TestContext, 'after'>,
  source: KeyOptions['source'],
  {
    random = 0.999_999,
    keys = {},
    ...rest
  }: Partial<Omit<KeyIssuer, 'keys'>> & {
    readonly random?: number
    readonly keys?: Partial<KeyOptions>
  } = {},
): Started => {
  const events = recordEvents()
  const clock = createManualClock()
  const created = createKeySource(
    {
      name: 'main',
      issuer: 'https://as.example.com',
      algorithms: ['ES256', 'RS256'],
      ...rest,
      keys: { source, metadataUrl: undefined, ca: undefined, refresh, allowHttp: false, ...keys },
    },
    { events, clock, random: () => random },
  )
  t.after(() => created.close())
  return { source: created, events, clock }
}

/** What `resolve` says, as one word: `key`, or the reason of the refusal. */
export const verdict = async (source: KeySource, kid: string | undefined, alg = 'ES256'): Promise<string> => {
  const outcome = await source.resolve({ alg, kid }, 0)
  return outcome.ok ? 'key' : outcome.refusal.reason
}

/** The different verdicts on a thousand `kid`s that nobody has. */
export const flood = async (source: KeySource, count = 1_000): Promise<readonly string[]> => {
  const verdicts = Array.from({ length: count }, () => verdict(source, crypto.randomUUID()))
  return [...new Set(await Promise.all(verdicts))]
}
