import { randomBytes } from 'node:crypto'
import { Agent, get, type OutgoingHttpHeaders } from 'node:http'
import type { TestContext } from 'node:test'
import { type AudgateProcess, startAudgate, temporaryFile } from './audgate-process.ts'
import { createProver, presenting } from './dpop.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { type IntrospectionServer, startIntrospectionServer } from './introspection-server.ts'
import { liveKey, liveToken, ORDERS } from './orders.ts'
import { startUpstream, type TestUpstream } from './upstream.ts'

const alice = await createProver()
const bound = liveToken({ cnf: { jkt: alice.jkt } })

/** What a client heard; `reason` of a refusal, else empty. */
export interface Heard {
  readonly status: number
  readonly reason: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly ms: number
}

/** One `audgate serve` of several. */
export interface Replica {
  readonly process: AudgateProcess
  ask(headers: OutgoingHttpHeaders): Promise<Heard>
  /** What the admin listener says under this path. */
  admin(path: string): Promise<{ readonly status: number; readonly text: string }>
  /** The sum of a counter over all of its series that hold these labels. */
  counted(family: string, ...labels: readonly string[]): Promise<number>
  /** Its log lines that are about no request. */
  told(message: string | RegExp): readonly Readonly<Record<string, unknown>>[]
}

export interface ReplicaStage {
  readonly replicas: readonly Replica[]
  readonly issuer: IntrospectionServer
  readonly upstream: TestUpstream
  /** One more with the same config. */
  start(): Promise<Replica>
  /** A fresh proof for a token that is bound to its key. */
  prove(claims?: Readonly<Record<string, unknown>>): string
  /** `passed`, or status and reason, of the bound token with this proof. */
  present(replica: Replica, proof?: string): Promise<string>
  /** The same of a token that only the issuer can read. */
  presentOpaque(replica: Replica, token: string): Promise<string>
  /** The bound token, which each replica knows by its key. */
  readonly bound: string
}

/** `passed`, or status and reason. */
export const outcomeOf = ({ status, reason }: Heard): string => (status === 200 ? 'passed' : `${status} ${reason}`)

/**
 * Real processes with one config before one upstream and one issuer. Clients know all of them under one name, so that a
 * proof is good at each. Resolves when they listen; whether the store is there is not waited for.
 *
 * @param store the value of `store`
 * @param rest further lines of the config
 */
export const startReplicas = async (
  t: TestContext,
  count: number,
  store: unknown,
  rest: Readonly<Record<string, unknown>> = {},
): Promise<ReplicaStage> => {
  const issuer = await startIntrospectionServer(t)
  issuer.say({ active: true, aud: ORDERS, exp: Math.floor(Date.now() / 1000) + 600 })
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    response.end('ok')
  })
  const introspection = {
    endpoint: issuer.url,
    client_id: 'gateway',
    client_secret_file: temporaryFile(t, 'secret', randomBytes(24).toString('base64url')),
    ...(rest.introspection as object | undefined),
  }
  const main = { issuer: 'https://as.test/oidc', keys: { jwks: { keys: [liveKey.jwk] } }, introspection }
  const config = {
    store,
    issuers: { main },
    upstreams: { [upstream.url]: { resource: ORDERS, name: 'orders' } },
    ...(rest.dpop === undefined ? {} : { dpop: rest.dpop }),
  }
  const uri = `${ORDERS}/1`

  const start = async (): Promise<Replica> => {
    const adminPort = await freePort()
    const own = { ...config, listen: '127.0.0.1:0', admin: `127.0.0.1:${adminPort}` }
    const process = startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', JSON.stringify(own))])
    const [, port] = await process.said(/"address":"127\.0\.0\.1:(\d+)"[^\n]*"listening"/)
    return replicaOf(t, process, Number(port), adminPort)
  }
  const present = (replica: Replica, proof = alice.prove({ token: bound, uri })): Promise<string> =>
    replica.ask(presenting(bound, proof)).then(outcomeOf)

  return {
    replicas: await Promise.all(Array.from({ length: count }, start)),
    issuer,
    upstream,
    start,
    bound,
    prove: (claims = {}) => alice.prove({ token: bound, uri, claims }),
    present,
    presentOpaque: (replica, token) => replica.ask({ authorization: `Bearer ${token}` }).then(outcomeOf),
  }
}

/** Resolves when each of them has the store. */
export const connected = async ({ replicas, present }: Pick<ReplicaStage, 'replicas' | 'present'>): Promise<void> => {
  for (const replica of replicas) {
    await eventually('the store is connected', async () => (await present(replica)) === 'passed')
  }
}

/**
 * Resolves when the log told of the store in these words, `connected` and `lost` in turn. It tells of changes and not of
 * requests, so there are few; on a machine that is busy a connection may come and go once more.
 *
 * @param end the last two
 */
export const storeStory = (replica: Replica, end: 'connected lost' | 'lost connected'): Promise<void> =>
  eventually(`the log ends with ${end}`, () => {
    const words = replica.told(/^store/).map(({ msg }) => String(msg).replace('store ', ''))
    const changes = words.every((word, at) => word !== words[at - 1])
    return changes && words.length < 9 && words.slice(-2).join(' ') === end
  })

/** What each says of one proof that comes to all of them at once, in the order of the alphabet. */
export const presentAtAll = async (
  { replicas, present }: Pick<ReplicaStage, 'replicas' | 'present'>,
  proof: string,
): Promise<readonly string[]> => (await Promise.all(replicas.map((replica) => present(replica, proof)))).toSorted()

/**
 * Does it again where a store that is there did not answer within its 50 ms, which is the fault of a machine that is busy:
 * a failure counts when every question was answered. What is done must not depend on what was done before.
 */
export const unlessLate = async <T>(
  { replicas, present }: Pick<ReplicaStage, 'replicas' | 'present'>,
  body: () => Promise<T>,
): Promise<T> => {
  const unanswered = async (): Promise<number> => {
    const counts = replicas.flatMap((replica) =>
      ['timeout', 'error', 'skipped'].map((result) =>
        replica.counted('audgate_store_operations_total', `result="${result}"`),
      ),
    )
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  }
  for (let run = 1; ; run++) {
    const before = await unanswered()
    try {
      return await body()
    } catch (error) {
      if (run === 8 || (await unanswered()) === before) throw error
      await connected({ replicas, present })
    }
  }
}

const replicaOf = (t: TestContext, process: AudgateProcess, port: number, adminPort: number): Replica => {
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const admin = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`)
    return { status: response.status, text: await response.text() }
  }
  return {
    process,
    admin,
    ask: (headers) =>
      new Promise((resolve, reject) => {
        const began = performance.now()
        const request = get({
          port,
          host: '127.0.0.1',
          path: '/orders/1',
          agent,
          headers: { host: 'api.test', ...headers },
        })
        request.on('error', reject)
        request.on('response', (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              reason: /"reason":"(\w+)"/.exec(text)?.[1] ?? '',
              headers: response.headers,
              ms: performance.now() - began,
            }),
          )
        })
      }),
    counted: async (family, ...labels) =>
      (await admin('/metrics')).text
        .split('\n')
        .filter((line) => line.startsWith(`${family}{`) && labels.every((label) => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0),
    told: (message) =>
      process
        .stdout()
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line): Record<string, unknown> => JSON.parse(line))
        .filter(({ msg }) => msg !== 'request' && String(msg).match(message) !== null),
  }
}
