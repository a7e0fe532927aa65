#!/usr/bin/env node
import type { ForegroundIo } from './commands/command.ts'
import { version } from './version.ts'

interface Command {
  readonly usage: string
  readonly run: (args: string[], io: ForegroundIo) => Promise<number>
}

/** Loaded when named: nothing of one command costs another one its start. */
const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  serve: { summary: 'Runs the gateway.', load: () => import('./commands/serve.ts') },
  check: { summary: 'Says everything that is wrong with a config.', load: () => import('./commands/check.ts') },
  explain: { summary: 'Says what would become of a request.', load: () => import('./commands/explain.ts') },
  routes: { summary: 'What is served where, and what it needs.', load: () => import('./commands/routes.ts') },
  schema: { summary: 'JSON Schema of the config file.', load: () => import('./commands/schema.ts') },
  probe: { summary: 'Asks a running gateway whether it answers.', load: () => import('./commands/probe.ts') },
  dev: {
    summary: 'Authorization server, sample APIs, gateway and tokens to try.',
    load: () => import('./commands/dev.ts'),
  },
}

const help = [
  'audgate: lets through what carries a token made for this very API',
  '',
  'usage: audgate COMMAND …',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`),
  `  ${'version'.padEnd(9)}The version.`,
  '',
  'audgate COMMAND --help says more.',
  '',
].join('\n')

const run = async ([name = '', ...args]: readonly string[], io: ForegroundIo): Promise<number> => {
  if (name === 'version' || name === '--version') {
    io.stdout(`audgate ${version} (Node ${process.version})\n`)
    return 0
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    io.stdout(help)
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    io.stderr(name === '' ? help : `audgate: there is no command \`${name}\`\n\n${help}`)
    return 2
  }
  const { run: execute, usage } = await command.load()
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(`${usage.trimEnd()}\n`)
    return 0
  }
  return execute(args, io)
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

/**
 * From the first moment on: the default of the system is to end the process, and a command loads for a while before it
 * listens. One that comes before is told when it does.
 */
const hangUps = (command: string | undefined): ((run: () => void) => void) => {
  let told: (() => void) | undefined
  let early = false
  // The others end with their terminal.
  if (command === 'serve') {
    process.on('SIGHUP', () => {
      if (told) told()
      else early = true
    })
  }
  return (run) => {
    told = run
    if (early) run()
    early = false
  }
}

// A reader that went away (`audgate routes | head`) is no error of ours.
process.stdout.on('error', () => process.exit(0))

const onHangUp = hangUps(process.argv[2])
process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  env: process.env,
  signal: stopSignal(),
  on: (signal, run) => (signal === 'SIGHUP' ? onHangUp(run) : process.on(signal, run)),
})
