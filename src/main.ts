#!/usr/bin/env node
import type { Command, Io } from './commands/command.ts'
import { version } from './version.ts'

/** Loaded when named: nothing of one command costs another one its start. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.ts')).serve,
  check: async () => (await import('./commands/check.ts')).check,
  explain: async () => (await import('./commands/explain.ts')).explain,
  routes: async () => (await import('./commands/routes.ts')).routes,
  schema: async () => (await import('./commands/schema.ts')).schema,
  dev: async () => (await import('./commands/dev.ts')).dev,
}

const help = async (): Promise<string> => {
  const lines = [
    'audgate: lets through what carries a token made for this very API',
    '',
    'Usage: audgate COMMAND …',
    '',
  ]
  for (const [name, load] of Object.entries(commands)) lines.push(`  ${name.padEnd(9)}${(await load()).summary}`)
  return [...lines, `  ${'version'.padEnd(9)}Prints the version.`, '', 'audgate COMMAND --help says more.', ''].join(
    '\n',
  )
}

const run = async (argv: readonly string[], io: Io): Promise<number> => {
  const [name = '', ...args] = argv
  if (name === 'version' || name === '--version') {
    io.stdout(`audgate ${version} (Node ${process.version})\n`)
    return 0
  }
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    const text = await help()
    if (name === '') io.stderr(text)
    else io.stdout(text)
    return name === '' ? 2 : 0
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!load) {
    io.stderr(`audgate: there is no command \`${name}\`\n\n${await help()}`)
    return 2
  }
  const command = await load()
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(command.usage)
    return 0
  }
  return command.run(args, io)
}

/** The first SIGTERM or SIGINT asks; the second one ends the process at once, with the status a shell expects. */
const stopSignal = (): AbortSignal => {
  const stop = new AbortController()
  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(status)
      stop.abort(signal)
    })
  }
  return stop.signal
}

// A reader that went away (`audgate routes | head`) is no error of ours.
process.stdout.on('error', () => process.exit(0))

process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  env: process.env,
  signal: stopSignal(),
  on: (signal, run) => process.on(signal, run),
})
