import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { cpuMicroseconds } from './cpu.ts'
import { partsOf } from './requests.ts'
import type { Subject } from './subjects/subject.ts'

const run = promisify(execFile)

/** One row's second opinion: CPU per request under wrk, one request over and over. Undefined: not all were answered well. */
export const measureWithWrk = async (
  program: string,
  subject: Subject,
  request: string,
  seconds: number,
): Promise<number | undefined> => {
  const { path, authorization } = partsOf(request)
  const url = `http://127.0.0.1:${subject.port}${path}`
  const before = cpuMicroseconds(subject.pid)
  const args = ['-t1', '-c32', `-d${seconds}s`, '-H', 'Host: api.test', '-H', authorization, url]
  const { stdout } = await run(program, args)
  const spent = cpuMicroseconds(subject.pid) - before
  const answered = Number(/(\d+) requests in/.exec(stdout)?.[1])
  return /Non-2xx|Socket errors/.test(stdout) || !(answered > 0) ? undefined : spent / answered
}
