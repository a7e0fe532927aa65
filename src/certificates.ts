import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config/config.ts'
import { certificateNotAfter } from './http/tls.ts'

type Shown = Pick<Config, 'listen' | 'upstreams'>

/**
 * When each certificate of the gateway ends, in seconds since the epoch: `listen`, or `upstream:` and the name of the
 * resource.
 */
export const certificateEnds = (config: Shown): Readonly<Record<string, number>> =>
  Object.fromEntries(
    namedTls(config).flatMap(([name, { certificate }]) =>
      certificate === undefined ? [] : [[name, certificateNotAfter(certificate)]],
    ),
  )

/** Names, as in {@link certificateEnds}, of those whose files hold something else now: certificate, key or CAs. */
export const renewedCertificates = (before: Shown, next: Shown): readonly string[] => {
  const known = new Map(namedTls(before))
  return namedTls(next).flatMap(([name, tls]) => {
    const last = known.get(name)
    // Another file is another setting, and no renewal.
    const same = last === undefined || !isDeepStrictEqual(last.files, tls.files) || isDeepStrictEqual(last, tls)
    return same ? [] : [name]
  })
}

interface Tls {
  readonly certificate: string | undefined
  readonly files: object
}

const namedTls = ({ listen, upstreams }: Shown): readonly (readonly [string, Tls])[] => {
  const named: (readonly [string, Tls])[] = listen.tls ? [['listen', listen.tls]] : []
  for (const { resource, options } of upstreams) {
    if (options.tls) named.push([`upstream:${resource.name}`, options.tls])
  }
  return named
}
