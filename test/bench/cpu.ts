import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time of a process and of all that it started, user and system, in microseconds. From the scheduler's own
 * nanosecond count: `/proc/PID/stat` counts in ticks of 10 ms, which is a tenth of a round.
 */
export const cpuMicroseconds = (pid: number): number => sum(tree(pid).map(processMicroseconds))

/** Resident memory of a process and of all that it started, in MiB. */
export const residentMebibytes = (pid: number): number => sum(tree(pid).map(processKibibytes)) / 1024

/** Whether this system tells both. */
export const isMeasurable = (): boolean => {
  try {
    return processMicroseconds(process.pid) > 0
  } catch {
    return false
  }
}

const tree = (pid: number): readonly number[] => [pid, ...childrenOf(pid).flatMap(tree)]

const childrenOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`)
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  )

/** Every thread counts: garbage is collected and the log is written beside the main one. */
const processMicroseconds = (pid: number): number =>
  sum(
    readdirSync(`/proc/${pid}/task`).map((task) => Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0])),
  ) / 1000

const processKibibytes = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1])

const read = (file: string): string => readFileSync(file, 'latin1').trim()

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
