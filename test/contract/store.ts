import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import type { RecordedStoreEvents } from '../support/store-events.ts'

export interface StoreStage {
  readonly store: Store
  readonly events: RecordedStoreEvents
  /** Moves the time of the store on; nothing where it is the time of the machine. */
  readonly pass: (ms: number) => void
}

/** Calls `body` with keys nobody had before, and again where the machine was too busy for every call to be answered. */
const answered = async (stage: StoreStage, body: (key: string) => Promise<void>): Promise<void> => {
  for (let run = 0; ; run++) {
    const { operations } = stage.events
    const before = operations.length
    try {
      await body(`ag:test:${run}:`)
      return
    } catch (error) {
      if (run === 4 || !operations.slice(before).some((line) => /timeout|error|skipped/.test(line))) throw error
      await eventually('the store can be asked again', async () => (await stage.store.get('none')).ok)
    }
  }
}

/** What every store promises. `start` gives undefined where it skipped the test. */
export const storeContract = (name: string, start: (t: TestContext) => Promise<StoreStage | undefined>): void => {
  const stageTest = (title: string, run: (stage: StoreStage) => Promise<void>): void => {
    test(`${name}: ${title}`, async (t) => {
      const stage = await start(t)
      if (stage !== undefined) await run(stage)
    })
  }

  stageTest('DP-15: of a hundred who note one key at once, one is the first', async (stage) => {
    await answered(stage, async (key) => {
      const all = await Promise.all(Array.from({ length: 100 }, () => stage.store.putIfAbsent(key, 60_000)))
      const words = all.map((one) => (one.ok ? String(one.value) : 'not asked'))
      assert.deepEqual(words.sort(), [...Array<string>(99).fill('false'), 'true'])
      assert.deepEqual(await stage.store.putIfAbsent(`${key}other`, 60_000), { ok: true, value: true })
    })
  })

  stageTest('DP-15: a mark ends with its time, and the next is the first again', async (stage) => {
    await answered(stage, async (key) => {
      assert.deepEqual(await stage.store.putIfAbsent(key, 60), { ok: true, value: true })
      assert.deepEqual(await stage.store.putIfAbsent(`${key}long`, 60_000), { ok: true, value: true })
      stage.pass(60)
      await eventually('the mark has ended', async () => {
        const again = await stage.store.putIfAbsent(key, 60_000)
        return again.ok && again.value
      })
      assert.deepEqual(await stage.store.putIfAbsent(`${key}long`, 60_000), { ok: true, value: false })
    })
  })

  stageTest('DP-15: a second note does not lengthen the first', async (stage) => {
    await answered(stage, async (key) => {
      assert.deepEqual(await stage.store.putIfAbsent(key, 100), { ok: true, value: true })
      assert.deepEqual(await stage.store.putIfAbsent(key, 3_600_000), { ok: true, value: false })
      stage.pass(100)
      await eventually('the mark has ended', async () => {
        const again = await stage.store.putIfAbsent(key, 60_000)
        return again.ok && again.value
      })
    })
  })

  stageTest('IN-6: a value is what was last set, until its time is over', async (stage) => {
    await answered(stage, async (key) => {
      assert.deepEqual(await stage.store.get(key), { ok: true, value: undefined })
      assert.deepEqual(await stage.store.set(key, 'one', 60_000), { ok: true, value: undefined })
      assert.deepEqual(await stage.store.get(key), { ok: true, value: 'one' })
      assert.deepEqual(await stage.store.set(key, 'two', 60), { ok: true, value: undefined })
      assert.deepEqual(await stage.store.set(`${key}long`, 'three', 60_000), { ok: true, value: undefined })
      stage.pass(60)
      await eventually('the value has ended', async () => {
        const found = await stage.store.get(key)
        return found.ok && found.value === undefined
      })
      assert.deepEqual(await stage.store.get(`${key}long`), { ok: true, value: 'three' })
    })
  })

  stageTest('keys and values are what they are, whatever is in them', async (stage) => {
    const odd = ['', ' ', '\r\nSET x 1\r\n', '\0', '*3', '$-1', 'ü𝕏', '__proto__', 'a'.repeat(5000), '"', '{b}']
    await answered(stage, async (key) => {
      for (const text of odd) {
        const named = JSON.stringify(text.slice(0, 20))
        assert.deepEqual(await stage.store.putIfAbsent(`${key}m${text}`, 60_000), { ok: true, value: true }, named)
        assert.deepEqual(await stage.store.putIfAbsent(`${key}m${text}`, 60_000), { ok: true, value: false }, named)
        await stage.store.set(`${key}v${text}`, text, 60_000)
        assert.deepEqual(await stage.store.get(`${key}v${text}`), { ok: true, value: text }, named)
      }
    })
  })

  stageTest('a lifetime of nothing is the shortest there is, and one without end is a long one', async (stage) => {
    for (const none of [0, -1, -1e300, Number.NaN, 0.4]) {
      await answered(stage, async (key) => {
        assert.deepEqual(await stage.store.putIfAbsent(`${key}${none}`, none), { ok: true, value: true })
        assert.deepEqual(await stage.store.set(`${key}v${none}`, 'x', none), { ok: true, value: undefined })
        stage.pass(1)
        await eventually('the value has ended', async () => {
          const value = await stage.store.get(`${key}v${none}`)
          return value.ok && value.value === undefined
        })
        await eventually('the mark has ended', async () => {
          const mark = await stage.store.putIfAbsent(`${key}${none}`, 60_000)
          return mark.ok && mark.value
        })
      })
    }
    for (const endless of [1e15, 2 ** 63, Number.MAX_VALUE, Number.POSITIVE_INFINITY, 12.5 * 3_600_000]) {
      await answered(stage, async (key) => {
        assert.deepEqual(await stage.store.putIfAbsent(`${key}${endless}`, endless), { ok: true, value: true })
        assert.deepEqual(await stage.store.set(`${key}v`, 'x', endless), { ok: true, value: undefined })
        stage.pass(1000)
        assert.deepEqual(await stage.store.putIfAbsent(`${key}${endless}`, endless), { ok: true, value: false })
        assert.deepEqual(await stage.store.get(`${key}v`), { ok: true, value: 'x' })
      })
    }
  })

  stageTest('every operation is reported once', async (stage) => {
    await answered(stage, async (key) => {
      stage.events.operations.length = 0
      await stage.store.putIfAbsent(key, 60_000)
      await stage.store.putIfAbsent(key, 60_000)
      await stage.store.get(key)
      await stage.store.set(`${key}v`, 'x', 60_000)
      assert.deepEqual(stage.events.operations, ['put_if_absent ok', 'put_if_absent ok', 'get ok', 'set ok'])
    })
  })

  stageTest('a store that can be asked has no fault', async ({ store }) => {
    assert.equal(await store.fault(), undefined)
  })

  stageTest('a closed store answers nothing, at once, and closes again', async ({ store, events }) => {
    await store.putIfAbsent('ag:test:closed', 60_000)
    await store.close()
    events.operations.length = 0
    assert.deepEqual(store.putIfAbsent('ag:test:other', 60_000), { ok: false })
    assert.deepEqual(store.get('ag:test:closed'), { ok: false })
    assert.deepEqual(store.set('ag:test:closed', 'x', 60_000), { ok: false })
    assert.deepEqual(events.operations, ['put_if_absent skipped', 'get skipped', 'set skipped'])
    assert.equal(await store.fault(), 'it is closed')
    await store.close()
  })
}
