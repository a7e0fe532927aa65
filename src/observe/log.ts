import pino from 'pino'
import { createDestination } from './destination.ts'
import type { LogOptions } from './options.ts'
import { prettyLine } from './pretty.ts'
import { asciiLine } from './quote.ts'
import type { RecordSink, RequestRecord } from './record.ts'
import { levelOf, requestLine } from './request-line.ts'
import { createTimestamps } from './timestamp.ts'

/** The gateway's log: one stream of lines, JSON or for a person. */
export interface Log {
  /** One line for one finished request; nothing when its level is below `log.level`. */
  readonly request: RecordSink
  /** For everything else. The caller never hands over tokens, cookies or queries; what looks like a token is removed. */
  readonly logger: Pick<pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>
  /** Finished lines of another process, whole and in printable ASCII: they go where ours go, and no line into another. */
  relay(lines: string): void
  /** For the exit path, where nothing asynchronous runs any more. */
  flushSync(): void
  close(): Promise<void>
}

export interface LogDependencies {
  /** File descriptor or file name; 1 is standard output. */
  readonly target: number | string
  /** What the found differs in from the expected, for `detail`; undefined: no near miss. Must not throw. */
  readonly nearMiss: (record: RequestRecord) => string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Of several workers this one: every line that is not about a request says so. */
  readonly worker?: number | undefined
}

/** Opens the log. Written asynchronously: a reader that stalls costs lines in the end, never the event loop. */
export const createLog = ({ level, format }: LogOptions, { target, nearMiss, now, worker }: LogDependencies): Log => {
  const timestamp = createTimestamps()
  const destination = createDestination(target, (lines) =>
    logger.warn({ lines }, 'log lines lost: the reader was too slow'),
  )
  const pretty = format === 'pretty'
  const write = (line: string): void => destination.write(pretty ? prettyLine(line) : line)

  // pino flushes after a fatal line, when the stream can.
  const stream = { write: (line: string) => write(asciiLine(line)), flushSync: destination.flushSync }
  const logger = pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      timestamp: () => `,"time":"${timestamp(now())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  const enabled = {
    info: logger.isLevelEnabled('info'),
    warn: logger.isLevelEnabled('warn'),
    error: logger.isLevelEnabled('error'),
  }

  return {
    request: (record) => {
      const loudness = levelOf(record.refusal)
      if (!enabled[loudness]) return
      write(
        requestLine(record, loudness, timestamp(now()), record.refusal === undefined ? undefined : nearMiss(record)),
      )
    },
    logger,
    relay: destination.write,
    flushSync: destination.flushSync,
    close: destination.close,
  }
}
