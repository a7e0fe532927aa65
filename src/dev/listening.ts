import type { Server } from 'node:http'

/** The port the server got. Rejects with a sentence that names the address and the config key to change. */
export const listen = (
  server: Server,
  { host, port, configKey }: { readonly host: string; readonly port: number; readonly configKey: string },
): Promise<number> =>
  new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(
        new Error(`cannot listen on ${host}:${port} (config key ${configKey}): ${explain(error)}`, { cause: error }),
      )
    }
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })

const explain = ({ code }: NodeJS.ErrnoException): string => {
  if (code === 'EADDRINUSE') return 'the port is taken by another process'
  if (code === 'EACCES') return 'this user may not use that port'
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address'
  return code ?? 'unknown error'
}

/** Ends the listener and every connection, idle or not. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

/** Host and port of an `http:` base URI on this machine; undefined for anything else. `localhost` is 127.0.0.1. */
export const loopbackAddress = (uri: string): { readonly host: string; readonly port: number } | undefined => {
  const url = URL.parse(uri)
  if (url === null || url.protocol !== 'http:') return undefined
  const host = url.hostname === 'localhost' ? '127.0.0.1' : url.hostname.replace(/^\[|\]$/g, '')
  if (!isLoopback(host)) return undefined
  return { host, port: url.port === '' ? 80 : Number(url.port) }
}

/** Whether that IP address, as Node spells it, is this machine. */
export const isLoopback = (address: string): boolean => /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address)
