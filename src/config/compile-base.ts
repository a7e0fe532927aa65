import { posix } from 'node:path'
import { pathFault } from '../decision/target.ts'
import type { ReplicaOptions } from '../upstream/options.ts'
import type { Address } from './address.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'
import { isLinkLocal, isLoopback, isWildcard, parseWebUrl } from './web-url.ts'

/** What a base URI is judged with. */
export interface BaseContext {
  readonly report: Report
  /** Where the gateway itself listens. */
  readonly listeners: readonly Address[]
}

/**
 * Reads where an API runs: the key of an entry, or one of its `replicas`. Whether anything listens there is not looked
 * at: a socket may come later.
 *
 * @returns undefined when it names no place; its other problems are reported with the place at hand
 */
export const parseBase = (
  text: string,
  path: Path,
  on: 'key' | 'value',
  { report, listeners }: BaseContext,
): ReplicaOptions | undefined => {
  const noun = on === 'key' ? 'upstream' : 'replica'
  const base: Base = {
    noun,
    subject: on === 'key' ? 'an upstream' : 'a replica',
    listeners,
    problem: (message) => report.problem(path, message, on),
    warn: (message) => report.warn(path, message, on),
  }
  return /^unix:/i.test(text) ? readSocket(text, base) : readUrl(text, base)
}

interface Base {
  readonly noun: string
  readonly subject: string
  readonly listeners: readonly Address[]
  readonly problem: (message: string) => void
  readonly warn: (message: string) => void
}

const readUrl = (text: string, base: Base): ReplicaOptions | undefined => {
  const { noun, subject, listeners, problem, warn } = base
  const parsed = parseWebUrl(text)
  if (!parsed.ok) {
    problem(`${subject} ${/^https?:\/\//i.test(text) ? parsed.fault : 'must begin with http://, https:// or unix:/'}`)
    return undefined
  }
  const { scheme, host, port, path, query } = parsed.url
  if (query) problem(`${subject} must not have a query`)
  if (isLinkLocal(host)) {
    warn(`a link-local ${noun}: this is where clouds keep the credentials of the machine`)
  } else if (scheme === 'http' && !isLoopback(host)) {
    warn('plain http to another machine: tokens and answers can be read on the way (FW-11)')
  }
  if (isListener(listeners, host, port ?? (scheme === 'https' ? 443 : 80))) warn(`this ${noun} is the gateway itself`)
  const authority = port === undefined ? host : `${host}:${port}`
  return {
    name: text,
    origin: `${scheme}://${authority}`,
    authority,
    basePath: readPath(path, base),
    socketPath: undefined,
  }
}

/** `unix:/run/app.sock`, and as in nginx a path behind a second colon. */
const readSocket = (text: string, base: Base): ReplicaOptions => {
  const [, socketPath = '', path] = /^unix:([^:]*)(?::(.*))?$/is.exec(text) ?? []
  const fault = socketFault(socketPath)
  if (fault !== undefined) base.problem(`the socket of ${base.subject} ${fault}`)
  if (path === '') base.problem(`the path of ${base.subject} must not be empty: leave the second colon out`)
  return {
    name: text,
    origin: 'http://localhost',
    authority: 'localhost',
    basePath: readPath(path ?? '', base),
    socketPath,
  }
}

const readPath = (path: string, { subject, problem }: Base): string => {
  const fault = path === '' ? undefined : pathFault(path, { encodedSlashes: true, parameters: true })
  if (fault !== undefined) problem(`the path of ${subject} must be canonical: ${fault}`)
  return path === '/' ? '' : path
}

/** What `sun_path` of a `sockaddr_un` holds before its NUL (Linux). */
const longestSocket = 107

const socketFault = (path: string): string | undefined => {
  if (!path.startsWith('/')) return 'must have an absolute path, as in `unix:/run/app.sock`'
  // Also so that two spellings of one place are one text.
  if (path.endsWith('/') || posix.normalize(path) !== path) {
    return 'must have a path without `//`, `/./`, `/../` and a slash at its end'
  }
  if (/\p{Cc}/u.test(path)) return 'must have a path without control characters'
  const size = Buffer.byteLength(path)
  return size > longestSocket ? `has a path of ${size} bytes: the system takes ${longestSocket}` : undefined
}

/** Whether it is the gateway itself: every request would come back until `Via` ends it. */
const isListener = (listeners: readonly Address[], host: string, port: number): boolean => {
  const local = isLoopback(host) || isWildcard(host)
  return listeners.some((own) => {
    if (own.port !== port) return false
    const ownHost = own.host.includes(':') ? `[${own.host}]` : own.host
    return ownHost === host || (local && (isLoopback(ownHost) || isWildcard(ownHost)))
  })
}
