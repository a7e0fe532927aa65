import { eventually } from './eventually.ts'

/** The lines of the requests so far, as soon as there are `count` of them: a line is written after its answer. */
export const loggedRequests = async (
  stage: { log(): Promise<readonly Record<string, unknown>[]> },
  count = 1,
): Promise<readonly Record<string, unknown>[]> => {
  const lines = async () => (await stage.log()).filter(({ msg }) => msg === 'request')
  await eventually(`${count} lines of requests`, async () => (await lines()).length >= count)
  return lines()
}
