import { z } from 'zod'

/** Where replicas keep what they share. Only the memory of one process so far. */
export const storeSchema = z
  .literal('memory', { error: 'other than `memory` is not supported yet' })
  .prefault('memory')
  .describe('Where shared state is kept. Only `memory` is supported so far.')
