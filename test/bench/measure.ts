import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { cpuMicroseconds, residentMebibytes } from './cpu.ts'
import type { LoadOrder } from './load.ts'
import type { Load, Timed } from './load-process.ts'
import { foreignRequest } from './requests.ts'
import type { Row } from './rows.ts'
import type { Subject } from './subjects/subject.ts'
import type { Measured } from './table.ts'
import { measureWithWrk } from './wrk.ts'

/** A row and its running process. */
export interface Contender {
  readonly row: Row
  readonly subject: Subject
}

export interface Plan {
  /** At most; fewer when the time is up. */
  readonly rounds: number
  readonly budgetMs: number
  readonly count: number
  /** Requests before the first round. */
  readonly warm: number
  readonly wrk: string | undefined
  readonly wrkSeconds: number
}

/**
 * Warms all subjects, then measures them in turn, in short rounds: what else the machine does is spread over all. Each
 * round begins with another subject, so that none is always measured behind the same neighbour.
 */
export const measure = async (
  contenders: readonly Contender[],
  load: Load<LoadOrder, Timed>,
  plan: Plan,
): Promise<{ readonly rounds: number; readonly measured: readonly Measured[] }> => {
  const rounds = contenders.map((): Round[] => [])
  for (const contender of contenders) await warm(contender, load, plan.warm)
  const endsAt = performance.now() + plan.budgetMs
  let done = 0
  while (done < plan.rounds && performance.now() < endsAt) {
    for (let i = 0; i < contenders.length; i++) {
      const turn = (i + done) % contenders.length
      const contender = contenders[turn]
      if (contender) rounds[turn]?.push(await runRound(contender, load, plan.count))
    }
    done++
    process.stderr.write('.')
  }
  const measured: Measured[] = []
  for (const [i, { row, subject }] of contenders.entries()) {
    const only = Array.isArray(row.requests) && row.requests.length === 1 ? String(row.requests[0]) : undefined
    const own = rounds[i] ?? []
    measured.push({
      name: row.name,
      cpu: own.map(({ cpu }) => cpu),
      requestsPerSecond: own.map(({ requestsPerSecond }) => requestsPerSecond),
      residentMebibytes: residentMebibytes(subject.pid),
      readyMs: subject.readyMs,
      wrk:
        plan.wrk === undefined || only === undefined
          ? undefined
          : await measureWithWrk(plan.wrk, subject, only, plan.wrkSeconds),
    })
  }
  process.stderr.write('\n')
  return { rounds: done, measured }
}

/**
 * Until the compiler has done its part: Audgate's cost still fell after 50,000 requests. Where requests are new in every
 * round, some thousands of them warm the verification, and one of them the rest, if it may be sent again.
 */
const warm = async (contender: Contender, load: Load<LoadOrder, Timed>, count: number): Promise<void> => {
  const { requests } = contender.row
  if ('perRound' in requests) {
    const signed = requests.make(Math.min(count, mostSigned))
    await runRound({ ...contender, row: { ...contender.row, requests: signed } }, load, signed.length)
    if (requests.once) return
    const row = { ...contender.row, requests: requests.make(1) }
    await runRound({ ...contender, row }, load, count)
  }
  await runRound(contender, load, count)
}

/** Signing with RSA takes a millisecond each, and a proof has to be sent before it is too old. */
const mostSigned = 4000

interface Round {
  /** Microseconds per request. */
  readonly cpu: number
  readonly requestsPerSecond: number
}

const runRound = async ({ row, subject }: Contender, load: Load<LoadOrder, Timed>, most: number): Promise<Round> => {
  const { requests: source } = row
  const requests = 'perRound' in source ? source.make(Math.min(most, source.perRound)) : source
  const count = 'perRound' in source ? requests.length : most
  const before = cpuMicroseconds(subject.pid)
  const { seconds } = await load.run({ port: subject.port, requests, count, connections: 32 })
  // The last lines of the log are written a tenth of a second later, and belong to this round.
  await setTimeout(settleMs)
  return { cpu: (cpuMicroseconds(subject.pid) - before) / count, requestsPerSecond: count / seconds }
}

const settleMs = 120

/** The bench compares gateways that check: one that lets everything through would be fast. */
export const refusesForeignTokens = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(foreignRequest()))
    let answer = ''
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(/^HTTP\/1\.1 40[13] /.test(answer)))
  })
