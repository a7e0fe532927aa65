import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { launch, type Subject } from './subject.ts'

/** One API of the bench: where it is served, and what its tokens are for. */
export interface Api {
  readonly name: string
  readonly resource: string
  readonly at: string
}

export interface AudgateOptions {
  readonly bundle: string
  readonly folder: string
  readonly issuer: string
  readonly keys: readonly object[]
  readonly apis: readonly Api[]
  readonly upstreamPort: number
  /** URL of an endpoint that reads opaque tokens of the issuer. */
  readonly introspection?: string
  /** For Node itself. */
  readonly flags?: readonly string[]
}

/** `audgate serve` as shipped: request log to standard output, metrics and admin listener on. */
export const startAudgate = async (name: string, options: AudgateOptions): Promise<Subject> => {
  const port = await freePort()
  const adminPort = await freePort()
  const file = join(options.folder, `${name}.yaml`)
  const secretFile = join(options.folder, 'client-secret')
  writeFileSync(secretFile, 'bench-client-secret')
  writeFileSync(file, configText(options, port, adminPort, secretFile))
  return launch({
    command: process.execPath,
    args: [...(options.flags ?? []), options.bundle, 'serve', '--config', file],
    port,
    ready: () => isReady(adminPort),
  })
}

const configText = (
  { issuer, keys, apis, upstreamPort, introspection }: AudgateOptions,
  port: number,
  adminPort: number,
  secretFile: string,
): string => {
  const entries = apis.map(({ name, resource, at }) => ({ name, resource, at, routes }))
  const asked = { endpoint: introspection, client_id: 'bench', client_secret_file: secretFile, cache: '1h' }
  const main = { issuer, keys: { jwks: { keys } }, ...(introspection === undefined ? {} : { introspection: asked }) }
  return [
    `listen: { address: 127.0.0.1:${port} }`,
    `admin: 127.0.0.1:${adminPort}`,
    `issuers: { main: ${JSON.stringify(main)} }`,
    `upstreams: { 'http://127.0.0.1:${upstreamPort}': ${JSON.stringify(entries)} }`,
    '',
  ].join('\n')
}

const routes = {
  'GET /': 'orders:read',
  'GET /{id}': 'orders:read',
  'POST,PUT /{id}': 'orders:write',
}

const isReady = async (adminPort: number): Promise<boolean> => {
  try {
    return (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok
  } catch {
    return false
  }
}
