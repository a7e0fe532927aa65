import { createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { freePort } from '../../support/free-port.ts'
import { isListening, launch, type Subject } from './subject.ts'

export interface HaproxyOptions {
  readonly program: string
  readonly folder: string
  readonly issuer: string
  readonly audience: string
  /** An RSA key: what the tokens are signed with. */
  readonly key: JWK
  readonly upstreamPort: number
}

/**
 * haproxy with one thread, checking what its JWT converters can: algorithm, signature, issuer, audience, expiry and
 * scope. It has no cache of tokens. HTTP log on, to standard output.
 */
export const startHaproxy = async (options: HaproxyOptions): Promise<Subject> => {
  const port = await freePort()
  const keyFile = join(options.folder, 'issuer.pem')
  const config = join(options.folder, 'haproxy.cfg')
  writeFileSync(
    keyFile,
    createPublicKey({ key: { ...options.key }, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
  )
  writeFileSync(config, configText(options, keyFile, port))
  return launch({ command: options.program, args: ['-db', '-f', config], port, ready: () => isListening(port) })
}

const configText = ({ issuer, audience, upstreamPort }: HaproxyOptions, keyFile: string, port: number): string => `
global
  maxconn 2000
  nbthread 1
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout connect 5s
  timeout client 75s
  timeout server 30s
frontend api
  bind 127.0.0.1:${port}
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.alg,"${keyFile}") -m int 1 }
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.iss') -m str ${issuer} }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.aud') -m str ${audience} }
  http-request set-var(txn.scope) http_auth_bearer,jwt_payload_query('$.scope')
  http-request deny deny_status 403 unless { var(txn.scope) -m reg (^|\\s)orders:read(\\s|$) }
  default_backend upstream
backend upstream
  server api 127.0.0.1:${upstreamPort}
`
