import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'

/**
 * The path of a program that a test needs besides Node. Without it the test is skipped and says so, and the returned
 * value is undefined; under `AUDGATE_TEST_REQUIRE_ALL=1`, as in CI, the test fails instead.
 */
export const requireProgram = (t: TestContext, name: string): string | undefined => {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable)
  if (found !== undefined) return found
  const why = `the program ${name} is not installed`
  if (process.env.AUDGATE_TEST_REQUIRE_ALL === '1') throw new Error(why)
  t.skip(why)
  return undefined
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
