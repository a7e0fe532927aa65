import type { TestContext } from 'node:test'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'
import { matchersIn } from './promql.ts'

/** What `/metrics` of a gateway shows. */
export interface Exposed {
  /** Names of series, those of histograms with their suffixes, of families without a series too. */
  readonly names: ReadonlySet<string>
  /** Label values by the name of the series, then of the label. */
  readonly values: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/**
 * Scrapes a real gateway that allowed a request, refused one for its token and one for its audience, and met an upstream
 * that is down.
 */
export const scrape = async (t: TestContext): Promise<Exposed> => {
  const upstream = await startUpstream(t)
  const dead = `http://127.0.0.1:${await freePort()}`
  const places = {
    [upstream.url]: { resource: 'https://api.test/orders', at: '/orders', name: 'orders' },
    [dead]: { resource: 'https://api.test/dead', at: '/dead', name: 'dead' },
  }
  const gateway = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(places)}\n`)
  const ask = async (path: string, token: string): Promise<number> => {
    const answer = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    await answer.arrayBuffer()
    return answer.status
  }
  const past = Math.floor(Date.now() / 1000) - 3600
  const answers = [
    await ask('/orders/1', liveToken()),
    await ask('/orders/1', liveToken({ exp: past })),
    await ask('/dead/1', liveToken()),
    await ask('/dead/1', liveToken({ aud: 'https://api.test/dead' })),
  ]
  if (answers.join() !== '200,401,401,502') throw new Error(`the gateway answered ${answers.join()}`)
  return readExposition(await gateway.metrics())
}

const readExposition = (text: string): Exposed => {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  const names = types.flatMap(([, name = '', type = '']) => (SUFFIXES[type] ?? ['']).map((suffix) => name + suffix))
  const values = new Map<string, Map<string, Set<string>>>()
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_:]+)(?:\{(.*)\})? \S+$/gim)) {
    const ofName = values.get(name) ?? new Map<string, Set<string>>()
    values.set(name, ofName)
    for (const { label, value } of matchersIn(labels)) ofName.set(label, (ofName.get(label) ?? new Set()).add(value))
  }
  return { names: new Set(names), values }
}
