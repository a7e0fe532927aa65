/** What a command has of the outside world. */
export interface Io {
  /** Writes text as it is: a line ends where the text says so. */
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What a command has that stays in the foreground until a signal ends it. */
export interface ForegroundIo extends Io {
  /** Aborted by the first SIGTERM or SIGINT; `reason` is the signal's name. The second one ends the process at once. */
  readonly signal: AbortSignal
  /** Calls back for a signal that does not end the process, until `signal` aborts. */
  on(signal: 'SIGHUP' | 'SIGUSR2', run: () => void): void
}

/** @returns the exit status: 0 good, 1 the answer is no, 2 wrong usage */
export type Run = (args: string[], io: Io) => Promise<number>

/** Says what is wrong with the arguments and how they are written. */
export const wrongUsage = (io: Io, usage: string, fault: string): number => {
  io.stderr(`audgate: ${fault}\n${usage}\n`)
  return 2
}

/** The fault of a `parseArgs` that threw: its message names the option, and holds nothing else of the outside. */
export const usageFault = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof Error && code.startsWith('ERR_PARSE_ARGS_')) return error.message.split('. ')[0] ?? code
  throw error
}

/** Resolves with the name of the signal that asked for the end. */
export const stopped = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
