/** What a command may touch of the process. */
export interface Io {
  stdout(text: string): void
  stderr(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by the first SIGTERM or SIGINT; `reason` is the signal's name. The second one ends the process at once. */
  readonly signal: AbortSignal
  /** Calls back for a signal that does not end the process, until `signal` aborts. */
  on(signal: 'SIGHUP' | 'SIGUSR2', run: () => void): void
}

/** Exit status: 0 good, 1 the answer is no, 2 wrong usage (contract section 5). */
export type ExitCode = 0 | 1 | 2

/** One `audgate COMMAND`. */
export interface Command {
  /** One line of `audgate --help`. */
  readonly summary: string
  readonly usage: string
  run(args: readonly string[], io: Io): Promise<ExitCode>
}
