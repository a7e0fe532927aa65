import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Outcome } from '../../src/decision/refusal.ts'
import type { KeySource, VerificationKey } from '../../src/keys/key-source.ts'

/** One way to get keys, as the suite needs it. */
export interface KeySourceCase {
  /** A source that serves one key for `alg` under the `kid` `1`, or under no `kid` where keys have none. */
  readonly good: (t: TestContext) => Promise<KeySource>
  /** A source that can get no key. */
  readonly broken: (t: TestContext) => Promise<KeySource>
  /** Whether keys have a `kid`. */
  readonly named: boolean
  /** What its key is for: `ES256` and public, where nothing is said. */
  readonly alg?: string
  readonly type?: VerificationKey['type']
}

/** What every source of keys promises. */
export const keySourceContract = (
  name: string,
  { good, broken, named, alg = 'ES256', type = 'public' }: KeySourceCase,
): void => {
  test(`${name}: starts cold, and a token that comes early waits for the first load`, async (t) => {
    const source = await good(t)
    assert.equal(source.state, 'cold')
    assert.equal(word(await source.resolve({ alg, kid: '1' }, 0)), 'key')
    await source.started
    assert.equal(source.state, 'fresh')
  })

  test(`${name}: a known key comes without a promise, is made once, and is of the type that the source is for`, async (t) => {
    const source = await started(good(t))
    const outcome = source.resolve({ alg, kid: '1' }, 0)
    assert.ok(!(outcome instanceof Promise) && outcome.ok)
    assert.equal(outcome.value.type, type)
    const again = source.resolve({ alg, kid: '1' }, 0)
    assert.ok(!(again instanceof Promise) && again.ok)
    assert.equal(again.value, outcome.value)
  })

  if (named) {
    test(`${name}: AS-12: a kid that nobody has is key_unknown`, async (t) => {
      const source = await started(good(t))
      for (const kid of ['2', '__proto__', 'constructor', '']) {
        assert.equal(word(await source.resolve({ alg, kid }, 0)), 'key_unknown')
      }
    })
  }

  test(`${name}: JO-9: a kid of more than 256 characters is key_unknown`, async (t) => {
    const source = await started(good(t))
    assert.equal(word(await source.resolve({ alg, kid: '1'.repeat(257) }, 0)), 'key_unknown')
  })

  test(`${name}: JO-4, JO-5: another algorithm than the key's is key_unknown, HMAC above all`, async (t) => {
    const source = await started(good(t))
    for (const other of ['HS256', 'HS512', 'none', 'RS256', 'ES384', alg.toLowerCase(), '__proto__', '']) {
      if (other !== alg) assert.equal(word(await source.resolve({ alg: other, kid: '1' }, 0)), 'key_unknown')
    }
  })

  test(`${name}: AS-13: without a kid the one key that fits is taken`, async (t) => {
    const source = await started(good(t))
    assert.equal(word(await source.resolve({ alg, kid: undefined }, 0)), 'key')
  })

  test(`${name}: the generation stands while the keys do`, async (t) => {
    const source = await started(good(t))
    const { generation } = source
    await source.resolve({ alg, kid: 'unknown' }, 0)
    assert.equal(source.generation, generation)
  })

  test(`${name}: AS-12: without keys everything is keys_unavailable, the reason is in the report, and nothing throws`, async (t) => {
    const source = await started(broken(t))
    for (const kid of ['1', undefined]) {
      const outcome = await source.resolve({ alg, kid }, 0)
      assert.ok(!outcome.ok && outcome.refusal.reason === 'keys_unavailable')
      assert.ok(outcome.refusal.retryAfterSeconds >= 1)
      assert.equal(outcome.refusal.issuer, 'main')
    }
    const { state, keys, lastSuccess, lastError } = source.report()
    assert.deepEqual([state, keys, lastSuccess], ['cold', 0, undefined])
    assert.ok(lastError !== undefined && lastError !== '')
  })

  test(`${name}: the report of a good source counts its keys and knows when it got them`, async (t) => {
    const source = await started(good(t))
    const { state, keys, lastSuccess, lastError } = source.report()
    assert.deepEqual([state, keys, typeof lastSuccess, lastError], ['fresh', 1, 'number', undefined])
  })

  test(`${name}: closing twice, and before the first load is over, is fine`, async (t) => {
    const source = await good(t)
    await Promise.all([source.close(), source.close(), source.started])
  })
}

const started = async (starting: Promise<KeySource>): Promise<KeySource> => {
  const source = await starting
  await source.started
  return source
}

const word = (outcome: Outcome<VerificationKey>): string => (outcome.ok ? 'key' : outcome.refusal.reason)
