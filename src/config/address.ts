import { isIPv4, isIPv6 } from 'node:net'

/** Where a listener binds. */
export interface Address {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` or a port alone; undefined: it is none of these. Names are not looked up. */
export const parseAddress = (text: string): Address | undefined => {
  const [, host = '', digits] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const port = Number(digits)
  if (port > 65535) return undefined
  if (host === '') return { host: '0.0.0.0', port }
  if (host.startsWith('[') && host.endsWith(']')) {
    const inner = host.slice(1, -1)
    return isIPv6(inner) ? { host: inner, port } : undefined
  }
  // A name whose last label is a number would be an IPv4 address in some odd spelling.
  const name = /^(?=.*[A-Za-z][A-Za-z0-9-]*$)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(host)
  return isIPv4(host) || name ? { host, port } : undefined
}
