import type { Clock } from '../keys/clock.ts'
import type { GroupMetrics } from '../observe/group-metrics.ts'
import type { FileContents } from './calls.ts'
import type { Group } from './group.ts'

export interface FollowingDependencies {
  readonly group: Pick<Group, 'gather' | 'insist'>
  readonly metrics: Pick<GroupMetrics, 'reloaded' | 'reloadFailed'>
  readonly clock: Pick<Clock, 'after'>
}

/** How the workers follow the files. Nothing here rejects. */
export interface Following {
  /**
   * Tells all workers of another config. Resolves when all have followed, and after five seconds in any case: one that
   * stands still must not keep a revocation from the others. Each meets what it is told in the order of the telling.
   */
  apply(files: FileContents): Promise<void>
  /** Keys again: resolves as `apply` does. */
  refresh(): Promise<void>
  /** The files hold no valid config. */
  failed(): void
}

/** The metrics say that a reload has succeeded when every worker has followed, and nothing newer was told since. */
export const createFollowing = ({ group, metrics, clock }: FollowingDependencies): Following => {
  let newest = 0

  const withPatience = async (done: Promise<unknown>): Promise<void> => {
    const late = Promise.withResolvers<void>()
    const cancel = clock.after(patienceMs, late.resolve)
    await Promise.race([done, late.promise])
    cancel()
  }
  const follow = async (files: FileContents): Promise<void> => {
    const mine = ++newest
    const all = await group.insist('reload', files, followMs)
    if (mine !== newest) return
    if (all) metrics.reloaded()
    else metrics.reloadFailed()
  }
  return {
    apply: (files) => withPatience(follow(files)),
    refresh: () => withPatience(group.gather('refresh', undefined, followMs)),
    failed: () => {
      newest++
      metrics.reloadFailed()
      void group.gather('reloadFailed', undefined, followMs)
    },
  }
}

/** Long enough for every healthy worker to load what is usual. */
const patienceMs = 5000
/** For a worker to load a config of any size, and to fetch the keys that it names anew. */
const followMs = 60_000
