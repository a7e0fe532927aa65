import type { Config, Issuer } from '../config/config.ts'
import type { BannerRow } from '../dev/banner.ts'
import type { DevServers } from '../dev/dev-servers.ts'
import type { DevOptions } from '../dev/options.ts'
import { createGateway, type Gateway, production } from '../gateway.ts'
import type { ReplicaOptions } from '../upstream/options.ts'
import { readArguments } from './arguments.ts'
import { type ForegroundIo, stopped } from './command.ts'
import { requireConfig } from './config-file.ts'

export const usage = `usage: audgate dev [--config FILE]

Runs an authorization server, sample APIs and the gateway in front of them, as the config's \`dev\` block says, and prints
requests to try with fresh tokens. For development only: users have no passwords. Ctrl-C ends everything.
SIGUSR2, or POST /admin/rotate-keys at the authorization server, gives it new signing keys.
Exit status: 0 good, 1 invalid config or address taken, 2 wrong usage.

  --config FILE   default: $AUDGATE_CONFIG, ./audgate.yaml, ./config/audgate.yaml, /etc/audgate/audgate.yaml`

/** Runs until a signal asks for the end. */
export const run = async (args: string[], io: ForegroundIo): Promise<number> => {
  const asked = readArguments(args, io, usage)
  if (typeof asked === 'number') return asked
  const config = requireConfig(asked.file, io)
  if (!config) return 1
  const fail = (message: string): 1 => {
    io.stderr(`audgate dev: ${message}\n`)
    return 1
  }
  const { dev } = config
  const issuer = config.issuers.find(({ name }) => name === dev?.issuer)
  if (dev === undefined || issuer === undefined) return fail(`${asked.file} has no \`dev\` block`)
  const room = await devRoom()

  let servers: DevServers | undefined
  let gateway: Gateway | undefined
  try {
    servers = await room.startDevServers({
      ...surroundings(config, { dev, issuer }),
      log: (line) => io.stderr(`${line}\n`),
    })
    gateway = createGateway(config, production)
    const { address, admin } = await gateway.listen()
    const origin = originOf(address, config.listen.tls ? 'https' : 'http')
    const rows: readonly BannerRow[] = [
      ...servers.rows(origin),
      ...(admin === undefined ? [] : [{ where: originOf(admin, 'http'), what: 'admin: /readyz, /metrics, /routes' }]),
    ]
    io.stdout(`\n${room.banner({ rows, lines: await servers.demo(origin) })}Ctrl-C ends everything.\n`)
  } catch (error) {
    await Promise.all([gateway?.close(0), servers?.close()])
    return fail(error instanceof Error ? error.message : 'cannot start')
  }
  rotateOnSignal(servers, io)
  await stopped(io.signal)
  const [cut] = await Promise.all([gateway.close(0), servers.close()])
  return cut === 0 ? 0 : 1
}

/** Loaded here and nowhere else, and only now. */
const devRoom = async () => {
  const [{ startDevServers }, { banner }] = await Promise.all([
    import('../dev/dev-servers.ts'),
    import('../dev/banner.ts'),
  ])
  return { startDevServers, banner }
}

const surroundings = (config: Config, { dev, issuer }: { readonly dev: DevOptions; readonly issuer: Issuer }) => ({
  dev,
  issuer: {
    name: issuer.name,
    issuer: issuer.issuer,
    algorithms: issuer.token.algorithms,
    decryptionFile: issuer.token.decryption?.file,
  },
  upstreams: config.upstreams.map(({ resource, key, options }) => ({
    resource,
    origin: originOfKey(key, options.replicas[0]),
    identityHeaders: options.identityHeaders.map(({ name }) => name),
  })),
})

/** Where the API runs, for people; no sample API answers on a socket. */
const originOfKey = (key: string, replica: ReplicaOptions | undefined): string =>
  replica === undefined || replica.socketPath !== undefined ? key : replica.origin

/** Where a person on this machine reaches that listener. */
const originOf = (
  { address, port }: { readonly address: string; readonly port: number },
  scheme: 'http' | 'https',
): string => {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const rotateOnSignal = ({ authorizationServer }: DevServers, io: ForegroundIo): void => {
  io.on('SIGUSR2', () => {
    authorizationServer.rotateKeys().then(
      () => io.stdout('new signing keys; the ones until now verify until the next rotation\n'),
      () => io.stderr('audgate dev: the signing keys could not be rotated\n'),
    )
  })
}
