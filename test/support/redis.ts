import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from './free-port.ts'
import { requireProgram } from './programs.ts'

/** A real redis-server in a folder of its own, gone with the test. */
export interface TestRedis {
  readonly port: number
  readonly tlsPort: number
  readonly folder: string
  /** `redis://127.0.0.1:PORT/0` */
  readonly url: string
  /** Freezes it: it accepts connections and answers nothing. */
  stop(): void
  cont(): void
  kill(): Promise<void>
  /** Starts it again after `kill`, on the same ports and with what it had saved. */
  restart(...args: readonly string[]): Promise<void>
  /** What it answers to commands over a new connection, with the type marks of the protocol: `+OK`, `-ERR …`, `:1`. */
  tell(...commands: readonly string[]): Promise<string>
}

/** Starts redis-server with these arguments besides its ports; undefined, and the test skipped, where there is none. */
export const startRedis = async (t: TestContext, ...args: readonly string[]): Promise<TestRedis | undefined> => {
  const program = requireProgram(t, 'redis-server')
  if (program === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'audgate-redis-'))
  const port = await freePort()
  const tlsPort = await freePort()
  let child: ChildProcess | undefined

  const start = async (more: readonly string[]): Promise<void> => {
    const fixed = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
    const started = spawn(
      program,
      [...fixed, ...args.map((arg) => (arg === 'TLS_PORT' ? `${tlsPort}` : arg)), ...more],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    child = started
    let said = ''
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
      })
    }
    // It answers while it is still loading, if only to say so.
    for (const end = performance.now() + 10_000; ; ) {
      if (started.exitCode !== null || performance.now() > end) throw new Error(`redis-server did not start: ${said}`)
      if ((await tell(port, ['PING'])) !== '') return
    }
  }

  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  t.after(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await start([])
  return {
    port,
    tlsPort,
    folder,
    url: `redis://127.0.0.1:${port}/0`,
    stop: () => void child?.kill('SIGSTOP'),
    cont: () => void child?.kill('SIGCONT'),
    kill,
    restart: (...more) => start(more),
    tell: (...commands) => tell(port, commands),
  }
}

/** How many connections it ever took; this look is one of them. */
export const connectionsOf = async (redis: TestRedis): Promise<number> =>
  Number(/total_connections_received:(\d+)/.exec(await redis.tell('INFO stats'))?.[1])

/** Sends commands in the inline form and collects until as many lines have come, or the connection ends. */
const tell = (port: number, commands: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    let said = ''
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('utf8')
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('connect', () => socket.write(commands.map((command) => `${command}\r\n`).join('')))
    socket.on('data', (chunk: string) => {
      said += chunk
      if (said.split('\r\n').length > commands.length) socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(said.trimEnd()))
  })
