import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { type ListenInput, type ListenOptions, type TlsOptions, toListenOptions } from '../http/options.ts'
import { caFault, certificateFault, holds, privateKeyFault } from './files.ts'
import { asText, readNamed, type Surroundings } from './named-file.ts'

/** Reads the files of `listen.tls`, and warns about what a listener shows or believes. */
export const compileListen = (input: ListenInput, around: Surroundings): ListenOptions =>
  toListenOptions(input, input.tls && compileTls(input.tls, around))

const compileTls = (tls: NonNullable<ListenInput['tls']>, around: Surroundings): TlsOptions => {
  const { report } = around
  const at = ['listen', 'tls']
  const read = (name: string, key: string, faultOf: (pem: string) => string | undefined): string =>
    asText(readNamed(name, [...at, key], around, (bytes) => faultOf(asText(bytes))).bytes)
  const certificate = read(tls.certificate, 'certificate', certificateFault)
  const key = read(tls.key, 'key', privateKeyFault)
  const readable = certificateFault(certificate) === undefined && privateKeyFault(key) === undefined
  if (readable && !holds(() => matches(certificate, key))) {
    report.problem([...at, 'key'], 'this is not the private key of the certificate')
  } else if (readable && !holds(() => createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' }))) {
    // It would else end the start.
    report.problem([...at, 'certificate'], 'OpenSSL refuses this certificate with its key, which may be too short')
  }
  if (tls.client_ca !== undefined && tls.client_certificates === 'ignore') {
    report.problem(
      [...at, 'client_ca'],
      '`client_ca` counts only with `client_certificates: request` or `require`',
      'key',
    )
  }
  const clientCa = tls.client_ca === undefined ? undefined : read(tls.client_ca, 'client_ca', caFault)
  return { certificate, key, clientCertificates: tls.client_certificates, clientCa }
}

/** Throws where not: the first certificate of the chain is the listener's own. */
const matches = (certificate: string, key: string): void => {
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) throw new Error('another key')
}
