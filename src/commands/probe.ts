import { get } from 'node:http'
import { isIPv6 } from 'node:net'
import { parseArgs } from 'node:util'
import type { Address } from '../config/address.ts'
import { readAdminAddress } from '../config/admin-address.ts'
import { type Run, usageFault, wrongUsage } from './command.ts'
import { findConfigFile, noConfigFile } from './config-place.ts'

export const usage = `usage: audgate probe [--config FILE]

Asks the admin listener of that config whether the gateway answers (/livez). For a container's HEALTHCHECK: it needs no
shell, and reads nothing of the config but \`admin\`. What the probe sees does not depend on issuers, upstreams or the store.
Exit status: 0 it answers, 1 it does not within 2 s or there is no admin listener, 2 wrong usage.

  --config FILE   default: $AUDGATE_CONFIG, ./audgate.yaml, ./config/audgate.yaml, /etc/audgate/audgate.yaml`

const probeMs = 2_000

/** Asks once; says nothing when all is well. Whether the config is valid is not looked at: a gateway that runs had one. */
export const run: Run = async (args, io) => {
  let option: string | undefined
  try {
    option = parseArgs({ args, options: { config: { type: 'string' } } }).values.config
  } catch (error) {
    return wrongUsage(io, usage, usageFault(error))
  }
  const file = findConfigFile(option, io.env)
  if (file === undefined) return wrongUsage(io, usage, noConfigFile)
  const admin = readAdminAddress(file, { env: io.env })
  const fault = admin.ok ? await ask(admin.address) : `${file}: ${admin.fault}`
  if (fault === undefined) return 0
  io.stderr(`audgate probe: ${fault}\n`)
  return 1
}

/** Why there is no good answer, or undefined. */
const ask = ({ host, port }: Address): Promise<string | undefined> => {
  if (port === 0) return Promise.resolve('`admin` names port 0, which is another one at every start')
  const target = reachable(host)
  const place = `${isIPv6(target) ? `[${target}]` : target}:${port}`
  return new Promise((resolve) => {
    const end = (fault: string | undefined): void => {
      request.destroy()
      resolve(fault === undefined ? undefined : `http://${place}/livez ${fault}`)
    }
    const request = get({ host: target, port, path: '/livez', agent: false, signal: AbortSignal.timeout(probeMs) })
    request.on('response', ({ statusCode }) => end(statusCode === 200 ? undefined : `answers ${statusCode}`))
    request.on('error', (error) =>
      end(error.name === 'AbortError' ? 'does not answer in 2 s' : `fails: ${codeOf(error)}`),
    )
  })
}

/** What listens on every address listens on loopback. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1'
  return /^[0:]+$/.test(host) ? '::1' : host
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : 'no answer')
