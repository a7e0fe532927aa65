import { Agent, get } from 'node:http'
import type { TestContext } from 'node:test'
import { type AudgateProcess, startAudgate, temporaryFile } from './audgate-process.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { issuerYaml, liveToken, ORDERS } from './orders.ts'

/** `audgate serve` with several workers, in front of one upstream, as processes of their own. */
export interface Workers extends AudgateProcess {
  readonly port: number
  readonly adminPort: number
  /** The config file: may be written again. */
  readonly file: string
  /** The process of each worker that was started last under its number, by that number. */
  pids(): ReadonlyMap<number, number>
  /** Lines of the log so far that are JSON objects; a line that is none fails the test. */
  lines(): readonly Readonly<Record<string, unknown>>[]
  /** One request on a connection of its own or of the agent: its status, or the code of its error. */
  ask(path?: string, agent?: Agent): Promise<number | string>
  admin(path: string): Promise<{ readonly status: number; readonly text: string }>
  /** The sum of the values of all series with that name and these labels, or undefined where there is none. */
  metric(series: string): Promise<number | undefined>
}

export interface WorkersOptions {
  readonly workers?: number | 'auto'
  /** Members of `listen`. */
  readonly listen?: Readonly<Record<string, unknown>>
  /** Instead of the issuer with keys in the config. */
  readonly issuers?: string
  /** Further lines of the config. */
  readonly more?: string
  readonly env?: NodeJS.ProcessEnv
}

export const workersYaml = (
  upstream: string,
  {
    workers = 2,
    listen = {},
    issuers = issuerYaml(),
    more = '',
    adminPort,
  }: WorkersOptions & { readonly adminPort: number },
): string =>
  [
    `workers: ${workers}`,
    `listen: ${JSON.stringify({ address: '127.0.0.1:0', ...listen })}`,
    `admin: 127.0.0.1:${adminPort}`,
    issuers,
    `upstreams: { ${upstream}: { resource: ${ORDERS}, at: /orders, name: orders } }`,
    more,
  ].join('\n')

/** Resolves when all of them serve. */
export const startWorkers = async (
  t: TestContext,
  upstream: string,
  options: WorkersOptions = {},
): Promise<Workers> => {
  const adminPort = await freePort()
  const file = temporaryFile(t, 'audgate.yaml', workersYaml(upstream, { ...options, adminPort }))
  const audgate = startAudgate(t, ['serve', '--config', file], options.env)
  const found = await audgate.said(/"address":"127\.0\.0\.1:(\d+)"[^\n]*"workers":\d+/)
  const port = Number(found[1])
  const lines = () =>
    audgate
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line): Record<string, unknown> => JSON.parse(line))
  const admin: Workers['admin'] = async (path) => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`)
    return { status: answer.status, text: await answer.text() }
  }
  return {
    ...audgate,
    port,
    adminPort,
    file,
    lines,
    admin,
    pids: () =>
      new Map(
        lines().flatMap(({ msg, worker, pid }) =>
          msg === 'worker started' ? [[Number(worker), Number(pid)] as const] : [],
        ),
      ),
    ask: (path = '1', agent = new Agent({ keepAlive: false })) => askOnce(port, path, agent),
    metric: async (series) => {
      const values = (await admin('/metrics')).text
        .split('\n')
        .filter((line) => line.startsWith(series))
        .map((line) => Number(line.slice(line.lastIndexOf(' '))))
      return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
    },
  }
}

const askOnce = (port: number, path: string, agent: Agent): Promise<number | string> =>
  new Promise((resolve) => {
    const headers = { authorization: `Bearer ${liveToken()}` }
    const sent = get({ port, host: '127.0.0.1', path: `/orders/${path}`, agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.complete ? (response.statusCode ?? 0) : 'cut'))
      response.on('error', () => resolve('cut'))
    })
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
  })

/** Whether a process with that id is there. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when none of them is there any more. */
export const allGone = (pids: Iterable<number>): Promise<void> =>
  eventually('the processes are gone', () => [...pids].every((pid) => !isAlive(pid)))
