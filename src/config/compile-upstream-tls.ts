import type { UpstreamTls } from '../upstream/options.ts'
import { caFault } from './files.ts'
import type { FileSurroundings } from './named-file.ts'
import { readIdentity, readPem } from './read-identity.ts'
import type { Path } from './tree.ts'

/** `tls` of an upstream as written. */
export interface UpstreamTlsInput {
  readonly ca_file?: string | undefined
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  readonly server_name?: string | undefined
}

/**
 * Reads the files of `tls` of an upstream; every problem is reported at its place.
 *
 * @param at the place of `tls`
 */
export const compileUpstreamTls = (tls: UpstreamTlsInput, at: Path, around: FileSurroundings): UpstreamTls => {
  const ca = tls.ca_file === undefined ? undefined : readPem(tls.ca_file, [...at, 'ca_file'], around, caFault)
  const own = readOwn(tls, at, around)
  return {
    ca: ca?.text,
    certificate: own?.certificate,
    key: own?.key,
    serverName: tls.server_name,
    files: { ca: ca?.file, certificate: own?.files.certificate, key: own?.files.key },
  }
}

/** The certificate with which the gateway shows the upstream who it is. */
const readOwn = ({ certificate, key }: UpstreamTlsInput, at: Path, around: FileSurroundings) => {
  if (certificate !== undefined && key !== undefined) return readIdentity({ certificate, key }, at, around)
  if (certificate !== undefined) around.report.problem([...at, 'certificate'], '`certificate` needs its `key`', 'key')
  if (key !== undefined) around.report.problem([...at, 'key'], '`key` needs its `certificate`', 'key')
  return undefined
}
