import type { AdminDependencies } from '../http/admin-endpoints.ts'
import { readExposition } from '../observe/add-up.ts'
import type { GroupMetrics } from '../observe/group-metrics.ts'
import type { IssuerState, ReadinessReport } from '../observe/readiness.ts'
import type { CallName } from './calls.ts'
import type { Group, Member } from './group.ts'

export interface GroupStatusDependencies {
  readonly group: Pick<Group, 'complete' | 'gather' | 'members'>
  readonly count: number
  readonly metrics: GroupMetrics
  /** Whether the group listens. */
  readonly started: () => boolean
  readonly draining: () => boolean
  /** After this long it is ready with what there is: `readiness.max_wait`. */
  readonly maxWaitMs: number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly drain: () => void
  /** Of the running config, as `/config` shows them. Workers do not know them: each would tell them again. */
  readonly warnings: () => unknown
  readonly failed: (error: unknown) => void
}

/**
 * What the admin listener shows of a group: as far as it can, what it would show of one process.
 *
 * Ready is who has once had every worker ready, or has waited `readiness.max_wait`, and of whose workers at least one is
 * ready now: to replace one takes nothing away from the others (OP-10).
 */
export const groupStatus = ({ group, count, metrics, ...deps }: GroupStatusDependencies): AdminDependencies => {
  const startedAt = deps.monotonic()
  let late = false
  const known = new WeakMap<Member, { readonly report: ReadinessReport; readonly at: number }>()

  const ready = async (): Promise<ReadinessReport> => {
    for (const [member, report] of await group.gather('ready', undefined, answerMs)) {
      known.set(member, { report, at: deps.monotonic() })
    }
    const reports = group.members().flatMap((member) => {
      const last = known.get(member)
      return last && deps.monotonic() - last.at < rememberMs ? [[member, last.report] as const] : []
    })
    const able = reports.filter(([{ serving }, { ok }]) => serving && ok).length
    late ||= deps.monotonic() - startedAt >= deps.maxWaitMs
    const ok = !deps.draining() && (group.complete() || late) && able > 0
    metrics.setReady(ok)
    const draining = deps.draining() ? ['draining'] : []
    return { ok, reasons: [...draining, ...missing(reports, count)], issuers: worstIssuers(reports) }
  }
  /** What one of them shows, which all have from the same files. */
  const shown = async (name: CallName & ('routes' | 'config')): Promise<unknown> => {
    // Of all at once: the first may be the one that stands still.
    const asked = group.members().map(({ process }) => process.ask(name, undefined, shownMs))
    try {
      return await Promise.any(asked)
    } catch {
      throw new Error('no worker answers')
    }
  }

  return {
    started: deps.started,
    ready,
    drain: deps.drain,
    metrics: {
      expose: async () => {
        const [texts] = await Promise.all([group.gather('metrics', undefined, answerMs), ready()])
        for (const [member, text] of texts) member.counted = readExposition(text)
        return metrics.expose(group.members().flatMap(countedBy))
      },
      contentType: metrics.contentType,
    },
    routes: () => shown('routes'),
    config: async () => ({ ...Object(await shown('config')), warnings: deps.warnings() }),
    issuers: async () =>
      worstReports((await group.gather('issuers', undefined, answerMs)).map(([, issuers]) => issuers)),
    failed: deps.failed,
  }
}

/** Who asks has a second or a little more; who does not answer meanwhile stands for what it said last. */
const answerMs = 300
/** Of a large config: it takes a while to say it. */
const shownMs = 1000
/** One that loads a large config is silent for as long, and serves again. */
const rememberMs = 5000

const countedBy = ({ counted, serving }: Member) => (counted === undefined ? [] : [{ counted, serving }])

type Reports = readonly (readonly [Member, ReadinessReport])[]

const missing = (reports: Reports, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => index + 1).flatMap((worker) => {
    const found = reports.find(([member]) => member.worker === worker)
    if (found === undefined) return [`worker ${worker}: not there`]
    const [{ serving }, { reasons }] = found
    return [...(serving ? [] : ['starting']), ...reasons].map((reason) => `worker ${worker}: ${reason}`)
  })

/** From good to bad. */
const order: readonly IssuerState[] = ['fresh', 'stale', 'cold', 'expired']
const isWorse = (one: IssuerState, other: IssuerState | undefined): boolean =>
  other === undefined || order.indexOf(one) > order.indexOf(other)

const worstIssuers = (reports: Reports): ReadinessReport['issuers'] => {
  const states = new Map<string, IssuerState>()
  for (const [, { issuers }] of reports) {
    for (const { name, state } of issuers) if (isWorse(state, states.get(name))) states.set(name, state)
  }
  return [...states].map(([name, state]) => ({ name, state }))
}

/** `/issuers`: of each issuer the report of the worker that is worst off. */
const worstReports = (lists: readonly unknown[]): readonly unknown[] => {
  const worst = new Map<string, IssuerReport>()
  for (const report of lists.flat() as readonly IssuerReport[]) {
    if (isWorse(report.state, worst.get(report.name)?.state)) worst.set(report.name, report)
  }
  return [...worst.values()]
}

/** What is known here of an entry of `/issuers`, as `AdminDependencies.issuers` of a gateway makes it. */
interface IssuerReport {
  readonly name: string
  readonly state: IssuerState
}
