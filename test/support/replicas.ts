import type { ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { startGateway, type TestGateway } from './gateway.ts'
import { issuerYaml } from './orders.ts'

/**
 * A gateway in front of one public resource under `/`, which runs at these URLs.
 *
 * @param entry members of the upstream entry
 */
export const startReplicated = (
  t: TestContext,
  [first = '', ...replicas]: readonly string[],
  entry: Readonly<Record<string, unknown>> = {},
): Promise<TestGateway> => {
  const one = { resource: 'https://api.test/', at: '/', routes: { '/**': 'public' }, replicas, ...entry }
  return startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify({ [first]: one })}\n`)
}

/** Answers that an upstream holds back until the test lets them go. */
export interface Held {
  readonly waiting: ServerResponse[]
  /** Lets the first one go. */
  answer(): void
}

export const hold = (
  text = 'ok',
): Held & { readonly listener: (request: unknown, response: ServerResponse) => void } => {
  const waiting: ServerResponse[] = []
  return {
    waiting,
    answer: () => {
      waiting.shift()?.end(text)
    },
    listener: (_, response) => {
      waiting.push(response)
    },
  }
}
