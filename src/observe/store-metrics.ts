import { type Cell, createCells } from './series.ts'

const OPERATIONS = ['put_if_absent', 'get', 'set'] as const
const RESULTS = ['ok', 'timeout', 'error', 'skipped', 'full'] as const

/**
 * What is counted about the store. All series are there from the start, so that a rate sees the first failure too.
 * `storeEvents` has the shape of the part of `StoreEvents` that is counted; the composition root, which sees
 * both, is where the compiler compares them.
 */
export const createStoreMetrics = () => {
  const operations = createCells()
  const degradations = createCells()
  const counted: ReadonlyMap<string, Cell> = new Map(
    OPERATIONS.flatMap((op) =>
      // Only marks can be too many: values make room.
      RESULTS.filter((result) => result !== 'full' || op === 'put_if_absent').map(
        (result) => [`${op} ${result}`, operations.add({ op, result })] as const,
      ),
    ),
  )
  const degradedCells = {
    replay: degradations.add({ op: 'replay', policy: 'closed' }),
    introspection: degradations.add({ op: 'introspection', policy: 'miss' }),
  }
  return {
    operations,
    degradations,
    storeEvents: {
      operation(op: (typeof OPERATIONS)[number], result: (typeof RESULTS)[number]): void {
        const cell = counted.get(`${op} ${result}`)
        if (cell !== undefined) cell.value++
      },
    },
    /** A decision was made without the store; what it does then is fixed for each kind. */
    degraded(...[op]: readonly ['replay', 'closed'] | readonly ['introspection', 'miss']): void {
      degradedCells[op].value++
    },
  }
}
