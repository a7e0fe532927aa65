/** A listener cannot have its address; the message is for the operator and names the config key. */
export class ListenError extends Error {
  constructor(key: string, host: string, port: number, cause: NodeJS.ErrnoException) {
    const why = cause.code === 'EADDRINUSE' ? 'the port is taken by another process' : (cause.code ?? 'unknown error')
    super(`cannot listen on ${host}:${port} (config key ${key}): ${why}`, { cause })
    this.name = 'ListenError'
  }
}
