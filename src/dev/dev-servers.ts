import type { Resource } from '../decision/resource.ts'
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts'
import type { BannerRow } from './banner.ts'
import { planDemo } from './demo-plan.ts'
import { type DemoLineWithToken, withDemoTokens } from './demo-tokens.ts'
import { readEncryption } from './encryption.ts'
import { issuedResources } from './issued-resources.ts'
import { loopbackAddress } from './listening.ts'
import type { DevOptions } from './options.ts'
import { startSampleApi } from './sample-apis.ts'

/** What there is to know of the rest of the configuration. */
export interface DevServersOptions {
  readonly dev: DevOptions
  /** The issuer that `dev.issuer` names. */
  readonly issuer: {
    readonly name: string
    readonly issuer: string
    readonly algorithms: readonly string[]
    /** The gateway's JWKS file with the keys for `dev.encrypt`: `decryption.jwks_file` of the issuer. */
    readonly decryptionFile: string | undefined
  }
  readonly upstreams: readonly DevUpstream[]
  readonly log: (line: string) => void
}

export interface DevUpstream {
  readonly resource: Resource
  /** Scheme, host and port. */
  readonly origin: string
  /** Header fields by which the gateway says who calls. */
  readonly identityHeaders: readonly string[]
}

/** Everything that stands around the gateway in development, running. */
export interface DevServers {
  readonly authorizationServer: AuthorizationServer
  /** What is served where, the gateway's own resources included. */
  rows(gateway: string): readonly BannerRow[]
  /** Requests to try, with fresh tokens; empty when the configuration gives nothing to show. */
  demo(gateway: string): Promise<readonly DemoLineWithToken[]>
  close(): Promise<void>
}

/**
 * Starts the authorization server at the issuer's address and a sample API at each of `dev.apis`. Rejects with a sentence
 * for the user, and leaves nothing running, when an address is taken or is not on this machine.
 */
export const startDevServers = async (options: DevServersOptions): Promise<DevServers> => {
  const { dev, issuer, upstreams, log } = options
  const address = loopbackAddress(issuer.issuer)
  if (address === undefined) {
    throw new Error(
      `issuers.${issuer.name}: \`audgate dev\` plays this issuer, so it needs an address like http://127.0.0.1:4500, ` +
        `not ${issuer.issuer}`,
    )
  }
  const resources = issuedResources(
    upstreams.map(({ resource }) => resource),
    issuer,
  )
  const running: { close(): Promise<void> }[] = []
  const close = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((server) => server.close()))
  }
  try {
    const authorizationServer = await startAuthorizationServer({
      ...address,
      issuer: issuer.issuer,
      dev,
      resources,
      encryption: dev.encrypt.length === 0 ? undefined : await readEncryption(decryptionFileOf(issuer)),
      log,
    })
    running.push(authorizationServer)
    for (const [index, url] of dev.apis.entries()) {
      running.push(await startSampleApi({ url, configKey: `dev.apis[${index}]`, ...audienceOf(url, upstreams) }))
    }
    return {
      authorizationServer,
      rows: (gateway) => rowsFor(options, { gateway, issuer: authorizationServer.issuer }),
      demo: async (gateway) => {
        const candidates = upstreams.filter(
          ({ origin, resource }) =>
            dev.apis.some((api) => sameAddress(api, origin)) && resource.issuers.includes(issuer.name),
        )
        const plan = planDemo(
          candidates.map(({ resource }) => resource),
          { dev, issued: resources.map(({ indicator }) => indicator), gateway },
        )
        return plan === undefined ? [] : withDemoTokens(plan, authorizationServer, fetch)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const decryptionFileOf = ({ name, decryptionFile }: DevServersOptions['issuer']): string => {
  if (decryptionFile !== undefined) return decryptionFile
  throw new Error(
    `issuers.${name}: \`dev.encrypt\` needs \`decryption.jwks_file\`, whose keys the tokens are encrypted to`,
  )
}

/** Name and identity headers of what the sample API at that address plays. */
const audienceOf = (url: string, upstreams: readonly DevUpstream[]) => {
  const upstream = upstreams.find(({ origin }) => sameAddress(url, origin))
  return { name: upstream?.resource.name ?? 'sample', identityHeaders: upstream?.identityHeaders ?? [] }
}

const sameAddress = (one: string, other: string): boolean => {
  const [a, b] = [loopbackAddress(one), loopbackAddress(other)]
  return a !== undefined && a.host === b?.host && a.port === b.port
}

const rowsFor = (
  { dev, upstreams }: DevServersOptions,
  { gateway, issuer }: { readonly gateway: string; readonly issuer: string },
): readonly BannerRow[] => [
  ...upstreams.map(({ resource: { place, name, indicator }, origin }) => ({
    where: gateway + place.path,
    what: `${name}${place.host === undefined ? '' : ` (Host: ${place.host})`}, resource ${indicator}, forwarded to ${origin}`,
  })),
  {
    where: issuer,
    what: `authorization server; users ${list(dev.users)}; clients ${list(dev.clients)}`,
  },
  ...dev.apis.map((api) => ({ where: api, what: 'sample API, checks no token' })),
]

const list = (names: ReadonlyMap<string, unknown>): string => [...names.keys()].join(', ') || 'none'
