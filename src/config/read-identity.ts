import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { certificateFault, holds, privateKeyFault } from './files.ts'
import { asText, type FileSurroundings, readNamed } from './named-file.ts'
import type { Path } from './tree.ts'

/** A certificate with its key as PEM text, and the absolute paths of their files. */
export interface IdentityFiles {
  readonly certificate: string
  readonly key: string
  readonly files: { readonly certificate: string; readonly key: string }
}

/**
 * Reads a certificate and its key. A problem: either is none, the key is another's, OpenSSL would not take them. Whose
 * the certificate is, who signed it and whether it has expired is not looked at.
 */
export const readIdentity = (
  names: { readonly certificate: string; readonly key: string },
  at: Path,
  around: FileSurroundings,
): IdentityFiles => {
  const certificate = readPem(names.certificate, [...at, 'certificate'], around, certificateFault)
  const key = readPem(names.key, [...at, 'key'], around, privateKeyFault)
  const readable = certificateFault(certificate.text) === undefined && privateKeyFault(key.text) === undefined
  if (readable && !holds(() => matches(certificate.text, key.text))) {
    around.report.problem([...at, 'key'], 'this is not the private key of the certificate')
  } else if (
    readable &&
    !holds(() => createSecureContext({ cert: certificate.text, key: key.text, minVersion: 'TLSv1.2' }))
  ) {
    // It would else end the start.
    around.report.problem(
      [...at, 'certificate'],
      'OpenSSL refuses this certificate with its key, which may be too short',
    )
  }
  return { certificate: certificate.text, key: key.text, files: { certificate: certificate.file, key: key.file } }
}

/** Reads a file as PEM text, and reports what is wrong with it. */
export const readPem = (
  name: string,
  at: Path,
  around: FileSurroundings,
  faultOf: (pem: string) => string | undefined,
): { readonly file: string; readonly text: string } => {
  const { file, bytes } = readNamed(name, at, around, (read) => faultOf(asText(read)))
  return { file, text: asText(bytes) }
}

/** Throws where not: the first certificate of the chain is the one whose key it must be. */
const matches = (certificate: string, key: string): void => {
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) throw new Error('another key')
}
