import { isIP } from 'node:net'
import { redisUrlFault, type StoreOptions } from './options.ts'

export type RedisOptions = Extract<StoreOptions, { readonly kind: 'redis' }>

/** Where a Redis is and as whom it is asked; `shown` is all of it that may be seen. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Name that the certificate must hold besides being checked against the host; undefined for an IP address. */
  readonly servername: string | undefined
  readonly database: number
  readonly username: string | undefined
  /** Of the URL; a password file counts instead. */
  readonly password: string | undefined
  /** `host:port` */
  readonly shown: string
}

/** Takes the URL apart, or undefined where it is none: an error of `URL` would quote it, password and all. */
export const redisAddress = ({ url, username }: RedisOptions): RedisAddress | undefined => {
  const parsed = URL.parse(url)
  if (parsed === null || redisUrlFault(url) !== undefined) return undefined
  const port = Number(parsed.port || 6379)
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    host,
    port,
    tls: parsed.protocol === 'rediss:',
    servername: isIP(host) === 0 ? host : undefined,
    database: Number(parsed.pathname.slice(1)),
    username: username ?? (decodeURIComponent(parsed.username) || undefined),
    password: decodeURIComponent(parsed.password) || undefined,
    shown: `${parsed.hostname}:${port}`,
  }
}
