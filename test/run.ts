import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'

/**
 * `npm test`: runs every test file in a process of its own and says, in the end, what was skipped and why. A test that
 * needs a program skips with a reason where the program is missing; with AUDGATE_TEST_REQUIRE_ALL=1 it fails instead.
 * Arguments narrow the run: `npm test -- test/decision test/e2e/audience-decides.test.ts`.
 */
const asked = process.argv
  .slice(2)
  .map((path) => (path.endsWith('.ts') ? path : `${path.replace(/\/$/, '')}/**/*.test.ts`))

const stream = run({
  globPatterns: asked.length > 0 ? asked : ['test/**/*.test.ts'],
  execArgv: ['--import', 'tsx'],
  concurrency: Math.max(2, availableParallelism()),
  timeout: 300_000,
})

interface FileCount {
  passed: number
  failed: number
  skipped: number
}

const counts = new Map<string, FileCount>()
const skipped = new Map<string, string[]>()
const failures: string[] = []

const countOf = (file: string): FileCount => {
  const count = counts.get(file) ?? { passed: 0, failed: 0, skipped: 0 }
  counts.set(file, count)
  return count
}

const print = (line: string): boolean => process.stdout.write(`${line}\n`)
const fileName = (file: string | undefined): string => relative(process.cwd(), file ?? 'unknown')

stream.on('test:pass', ({ name, file, skip, details }) => {
  if (details.type === 'suite') return
  const count = countOf(fileName(file))
  if (skip === undefined || skip === false) {
    count.passed++
    return
  }
  count.skipped++
  const reason = typeof skip === 'string' ? skip : 'no reason given'
  skipped.set(reason, [...(skipped.get(reason) ?? []), `${fileName(file)}: ${name}`])
})
stream.on('test:fail', ({ name, file, details }) => {
  if (details.type === 'suite') return
  countOf(fileName(file)).failed++
  const { cause } = details.error
  failures.push(
    `${fileName(file)}: ${name}\n${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? details.error.message)}`,
  )
})
// What a test file prints is part of the story only when something went wrong.
const printed: string[] = []
stream.on('test:stderr', ({ message }) => printed.push(message))

for await (const _ of stream);

for (const [file, { passed, failed, skipped: left }] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
  print(
    `${failed > 0 ? 'FAIL' : 'ok  '} ${file} (${passed}${failed > 0 ? `, ${failed} failed` : ''}${left > 0 ? `, ${left} skipped` : ''})`,
  )
}
for (const failure of failures) print(`\nFAIL ${failure}`)
if (failures.length > 0 && printed.length > 0) print(`\nPrinted on standard error:\n${printed.join('').slice(-8000)}`)
if (skipped.size > 0) print('\nSkipped:')
for (const [reason, tests] of skipped) print(`  ${reason}\n${tests.map((name) => `    ${name}`).join('\n')}`)

const sum = (kind: keyof FileCount): number => [...counts.values()].reduce((total, count) => total + count[kind], 0)
print(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
