import { checkUrl } from './compile-url.ts'
import { decryptionSetFault, signingKeyFault } from './files.ts'
import { readNamed, readSecret, type Surroundings } from './named-file.ts'
import type { IssuerInput } from './schema.ts'
import type { Path } from './tree.ts'

/**
 * Judges `introspection` of an issuer.
 *
 * @returns the file with the gateway's own credential, made absolute; undefined: there is no introspection
 */
export const compileIntrospection = (entry: IssuerInput, path: Path, around: Surroundings): string | undefined => {
  const { introspection } = entry
  if (introspection === undefined) return undefined
  const { report } = around
  const at = [...path, 'introspection']
  if (introspection.endpoint !== undefined) checkUrl(introspection.endpoint, entry, [...at, 'endpoint'], report)
  const byKey = introspection.auth === 'private_key_jwt'
  const needed = byKey ? 'client_key_file' : 'client_secret_file'
  const other = byKey ? 'client_secret_file' : 'client_key_file'
  if (introspection[other] !== undefined) {
    report.problem([...at, other], `\`${other}\` does not count with \`auth: ${introspection.auth}\``, 'key')
  }
  const name = introspection[needed]
  if (name === undefined) {
    if (!report.has([...at, needed])) report.problem(at, `\`auth: ${introspection.auth}\` needs \`${needed}\``, 'key')
    return undefined
  }
  const named = [...at, needed]
  return (byKey ? readNamed(name, named, around, signingKeyFault) : readSecret(name, named, around)).file
}

/**
 * Judges `decryption` of an issuer.
 *
 * @returns the file with the private keys, made absolute; undefined: there is no decryption
 */
export const compileDecryption = ({ decryption }: IssuerInput, path: Path, around: Surroundings): string | undefined =>
  decryption && readNamed(decryption.jwks_file, [...path, 'decryption', 'jwks_file'], around, decryptionSetFault).file
