import assert from 'node:assert/strict'

/** How many times as long the longer input is. */
const FACTOR = 8

/**
 * What costs its length costs 8 times as much, less what every call costs; what costs the square of its length 64 times.
 * Between the two there is room for a machine that is busy with something else.
 */
const IN_PROPORTION = 24

/** So many rounds count in any case: in the first ones the code is not compiled yet. */
const ROUNDS = 12

/** For so long the fastest runs are looked for. */
const LOOKING_MS = 1000

/** Runs that are shorter than that are repeated: beside the clock they would be too small. */
const SHORTEST_MS = 0.05

/** The clock of the processor may tick every 10 ms only. */
const COUNTED_MS = 150

/**
 * How many times as much one work costs as another, whatever this machine is and does besides. Both are done in turns,
 * and the fastest runs are compared: a machine that is busy makes runs slower, never faster. Where the ratio does not get
 * below `enough` that way, the time that the processor spent decides, which takes longer and knows no interruption.
 */
export const costRatio = (work: () => unknown, other: () => unknown, enough: number): number => {
  const began = performance.now()
  const repeated = Math.ceil(SHORTEST_MS / Math.max(Math.min(timed(other, 1), timed(other, 1)), SHORTEST_MS / 1000))
  let [workMs, otherMs] = [Infinity, Infinity]
  for (let round = 0; round < ROUNDS || performance.now() - began < LOOKING_MS; round++) {
    otherMs = Math.min(otherMs, timed(other, repeated))
    workMs = Math.min(workMs, timed(work, repeated))
    if (workMs <= enough * otherMs) {
      if (round >= ROUNDS) return workMs / otherMs
    } else if (performance.now() - began > LOOKING_MS) break
  }
  return onProcessor(work) / onProcessor(other)
}

/**
 * Asserts that a work costs no more than its input is long, by doing it on one an eighth as long too. Says nothing of how
 * expensive a single call is.
 *
 * @param length of the longer input, in whatever `prepare` counts
 * @param prepare makes the input, which costs nothing, and returns the work on it
 */
export const assertInProportion = (what: string, length: number, prepare: (length: number) => () => unknown): void => {
  const ratio = costRatio(prepare(length), prepare(Math.floor(length / FACTOR)), IN_PROPORTION)
  assert.ok(ratio <= IN_PROPORTION, `${what}: ${FACTOR} times the length costs ${ratio.toFixed(1)} times as much`)
}

const timed = (work: () => unknown, times: number): number => {
  const began = performance.now()
  for (let count = 0; count < times; count++) work()
  return performance.now() - began
}

/** Milliseconds that the processor spends on one run. */
const onProcessor = (work: () => unknown): number => {
  const before = process.threadCpuUsage()
  for (let runs = 1; ; runs++) {
    work()
    const { user, system } = process.threadCpuUsage(before)
    if (user + system >= COUNTED_MS * 1000) return (user + system) / 1000 / runs
  }
}
