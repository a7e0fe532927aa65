import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/keys/clock.ts'

test('the clock of production calls back once, not before its time and not when called off', async () => {
  const begun = performance.now()
  let calledOff = false
  systemClock.after(1, () => {
    calledOff = true
  })()
  await new Promise<void>((resolve) => {
    systemClock.after(20, resolve)
    // Something has to keep the process alive meanwhile: the clock does not.
    const alive = setTimeout(() => undefined, 5_000)
    systemClock.after(20, () => clearTimeout(alive))
  })
  assert.ok(performance.now() - begun >= 19)
  assert.equal(calledOff, false)
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1_000)
})

test('the clock of production keeps no process alive, and a delay of a year is not at once', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  let early = false
  const callOff = systemClock.after(365 * 24 * 3_600_000, () => {
    early = true
  })
  assert.equal(timers(), before)
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(early, false)
  callOff()
})
