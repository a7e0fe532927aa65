import { type ListenInput, type ListenOptions, type TlsOptions, toListenOptions } from '../http/options.ts'
import { caFault } from './files.ts'
import type { FileSurroundings, Surroundings } from './named-file.ts'
import { readIdentity, readPem } from './read-identity.ts'

/** Reads the files of `listen.tls`, and warns about what a listener shows or believes. */
export const compileListen = (input: ListenInput, around: Surroundings): ListenOptions =>
  toListenOptions(input, input.tls && compileTls(input.tls, around))

const compileTls = (tls: NonNullable<ListenInput['tls']>, around: FileSurroundings): TlsOptions => {
  const at = ['listen', 'tls']
  const { certificate, key, files } = readIdentity(tls, at, around)
  if (tls.client_ca !== undefined && tls.client_certificates === 'ignore') {
    around.report.problem(
      [...at, 'client_ca'],
      '`client_ca` counts only with `client_certificates: request` or `require`',
      'key',
    )
  }
  const ca = tls.client_ca === undefined ? undefined : readPem(tls.client_ca, [...at, 'client_ca'], around, caFault)
  return {
    certificate,
    key,
    clientCertificates: tls.client_certificates,
    clientCa: ca?.text,
    files: { ...files, clientCa: ca?.file },
  }
}
