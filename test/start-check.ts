import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Runs `npm start` as a newcomer does, pastes every line it prints into `sh`, and holds the answer against what the
 * comment above the line says. Exits 0 when all six do what they say and Ctrl-C ends everything.
 */
const started = spawn('npm', ['start'], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })

const lines: string[] = []
const printed = createInterface({ input: started.stdout })
const limit = setTimeout(() => fail('npm start did not print six curl lines within 60 s'), 60_000)

const fail = (why: string): never => {
  console.error(`start-check: ${why}`)
  if (started.pid !== undefined) process.kill(-started.pid, 'SIGKILL')
  process.exit(1)
}

const answerOf = async (command: string): Promise<string> => {
  const shell = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  shell.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await once(shell, 'close')
  return text
}

for await (const line of printed) {
  lines.push(line)
  if (lines.filter((text) => text.startsWith('curl ')).length === 6) break
}
clearTimeout(limit)

let tried = 0
for (const [index, line] of lines.entries()) {
  if (!line.startsWith('curl ')) continue
  const promised = /^# (.+): (\d{3})(?: (\w+))?$/.exec(lines[index - 1] ?? '')
  if (!promised) fail(`no comment says what this line does: ${index}`)
  const [, title, status, reason] = promised ?? []
  const answer = await answerOf(line)
  if (!answer.startsWith(`HTTP/1.1 ${status} `)) fail(`${title}: expected ${status}, got ${answer.split('\r\n', 1)[0]}`)
  if (reason !== undefined && !answer.includes(`"reason":"${reason}"`))
    fail(`${title}: the body does not say ${reason}`)
  console.log(`ok   ${title}: ${status} ${reason ?? ''}`)
  tried++
}
if (tried !== 6) fail(`expected six lines, got ${tried}`)

// Ctrl-C reaches the whole foreground process group.
const ended = once(started, 'exit')
if (started.pid !== undefined) process.kill(-started.pid, 'SIGINT')
const late = setTimeout(() => fail('Ctrl-C did not end it within 10 s'), 10_000)
await ended
clearTimeout(late)
console.log(`${tried} passed, 0 failed`)
process.exit(0)
