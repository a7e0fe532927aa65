import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** A running process under test. */
export interface Subject {
  readonly pid: number
  readonly port: number
  /** From the start of the process until it was ready. */
  readonly readyMs: number
  stop(): Promise<void>
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  /** Whether it is ready now; asked every few milliseconds. */
  readonly ready: () => Promise<boolean>
}

/** Starts a process whose standard output is a pipe that is read, as in a container, and waits until it is ready. */
export const launch = async ({ command, args, port, ready }: Launch): Promise<Subject> => {
  const startedAt = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  // Whatever ends the bench ends what it started.
  const onExit = (): void => void child.kill()
  process.once('exit', onExit)
  const said: string[] = []
  child.stdout.resume()
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      process.off('exit', onExit)
      resolve()
    }),
  )
  while (!(await ready())) {
    if (child.exitCode !== null || performance.now() - startedAt > 30_000) {
      child.kill('SIGKILL')
      throw new Error(`${command} did not start: ${said.join('').slice(0, 2000)}`)
    }
    await setTimeout(2)
  }
  return {
    pid: pidOf(child),
    port,
    readyMs: performance.now() - startedAt,
    stop: async () => {
      child.kill('SIGTERM')
      const slow = setTimeout(3000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))
      await Promise.race([ended, slow])
    },
  }
}

const pidOf = (child: ChildProcess): number => {
  if (child.pid === undefined) throw new Error('the process has no id')
  return child.pid
}

/** Whether something accepts connections there. */
export const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
