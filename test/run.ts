import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'
import { parseArgs } from 'node:util'

/**
 * `npm test`: runs the tests and says, in the end, what was skipped and why. Each file has a process of its own, but for
 * the advisories, which are many and small and share this one. A test that needs a program skips with a reason where
 * the program is missing; with AUDGATE_TEST_REQUIRE_ALL=1 it fails instead. Arguments narrow the run:
 * `npm test -- test/decision test/e2e/audience-decides.test.ts`; `--without helm` leaves that folder of `test` out.
 */
const { values, positionals } = parseArgs({ options: { without: { type: 'string' } }, allowPositionals: true })
const asked = positionals.map((path) => (path.endsWith('.ts') ? path : `${path.replace(/\/$/, '')}/**/*.test.ts`))
const shared = 'test/advisory/**/*.test.ts'

const runs =
  asked.length > 0
    ? [{ globPatterns: asked, isolation: 'process' as const }]
    : [
        {
          globPatterns: [
            `test/!(${['advisory', values.without].filter(Boolean).join('|')})/**/*.test.ts`,
            'test/*.test.ts',
          ],
          isolation: 'process' as const,
        },
        { globPatterns: [shared], isolation: 'none' as const },
      ]

interface FileCount {
  passed: number
  failed: number
  skipped: number
}

const counts = new Map<string, FileCount>()
const skipped = new Map<string, string[]>()
const failures: string[] = []
// What a test file prints is part of the story only when something went wrong.
const printed: string[] = []

const print = (line: string): boolean => process.stdout.write(`${line}\n`)
const fileName = (file: string | undefined): string => relative(process.cwd(), file ?? 'unknown')

const countOf = (file: string): FileCount => {
  const count = counts.get(file) ?? { passed: 0, failed: 0, skipped: 0 }
  counts.set(file, count)
  return count
}

const printCount = (file: string, { passed, failed, skipped: left }: FileCount): void => {
  const more = `${failed > 0 ? `, ${failed} failed` : ''}${left > 0 ? `, ${left} skipped` : ''}`
  print(`${failed > 0 ? 'FAIL' : 'ok  '} ${file} (${passed}${more})`)
}

const sum = (kind: keyof FileCount): number => [...counts.values()].reduce((total, count) => total + count[kind], 0)
const total = (): FileCount => ({ passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') })

for (const { globPatterns, isolation } of runs) {
  const before = total()
  const stream = run({
    globPatterns,
    isolation,
    ...(isolation === 'process' && {
      execArgv: ['--import', 'tsx'],
      concurrency: Math.max(2, availableParallelism()),
    }),
    timeout: 300_000,
  })
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
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? details.error.message)
    failures.push(`${fileName(file)}: ${name}\n${why}`)
  })
  stream.on('test:stderr', ({ message }) => printed.push(message))
  stream.on('test:summary', ({ file }) => {
    const count = file === undefined ? undefined : counts.get(fileName(file))
    if (count) printCount(fileName(file), count)
  })
  for await (const _ of stream);
  if (isolation === 'process') continue
  // In one process a test is booked under the file that registers it, so these are told in one line.
  const { passed, failed, skipped: left } = total()
  printCount(globPatterns.join(' '), {
    passed: passed - before.passed,
    failed: failed - before.failed,
    skipped: left - before.skipped,
  })
}

for (const failure of failures) print(`\nFAIL ${failure}`)
if (failures.length > 0 && printed.length > 0) print(`\nPrinted on standard error:\n${printed.join('').slice(-8000)}`)
if (skipped.size > 0) print('\nSkipped:')
for (const [reason, tests] of skipped) print(`  ${reason}\n${tests.map((name) => `    ${name}`).join('\n')}`)

print(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
