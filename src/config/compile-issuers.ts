import { hmacBytes, type KeyOptions, toKeyOptions } from '../keys/options.ts'
import { toTokenOptions } from '../token/options.ts'
import { compileDecryption, compileIntrospection } from './compile-tokens.ts'
import { checkPlainHttp, checkUrl } from './compile-url.ts'
import type { Issuer } from './config.ts'
import { caFault, jwksFault, jwksFileFault, pemFault } from './files.ts'
import { asText, readNamed, readSecret, type Surroundings } from './named-file.ts'
import type { Report } from './report.ts'
import { bareIssuer, type FileInput, type IssuerInput } from './schema.ts'
import type { Path } from './tree.ts'
import { parseWebUrl } from './web-url.ts'

/** Judges the issuers' URLs, reads the files they name, and makes both rooms' options. */
export const compileIssuers = (input: FileInput['issuers'], around: Surroundings): readonly Issuer[] => {
  const { report } = around
  const identifiers = new Map<string, Path>()
  const issuers: Issuer[] = []
  for (const [name, value] of Object.entries(input)) {
    const path = ['issuers', name]
    const entry = typeof value === 'string' ? bareIssuer(value) : value
    const at = typeof value === 'string' ? path : [...path, 'issuer']
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
      report.problem(path, 'the name of an issuer must be letters, digits, `.`, `_` and `-`', 'key')
    }
    checkIssuer(entry, at, report)
    checkHmac(entry, path, report)
    const first = identifiers.get(entry.issuer)
    if (first) report.problem(at, `the same issuer is in line ${report.line(first)} already`)
    else identifiers.set(entry.issuer, at)
    if (entry.dangerously_allow_http) {
      report.warn(
        [...path, 'dangerously_allow_http'],
        'whoever is on the way to this issuer can put in keys of their own',
      )
    }
    issuers.push({
      name,
      issuer: entry.issuer,
      token: toTokenOptions(entry, {
        credential: compileIntrospection(entry, path, around),
        decryption: compileDecryption(entry, path, around),
      }),
      keys: toKeyOptions(entry, compileSource(entry, path, around), readCa(entry, path, around)),
    })
  }
  return issuers
}

const checkIssuer = (entry: IssuerInput, at: Path, report: Report): void => {
  const parsed = parseWebUrl(entry.issuer)
  if (!parsed.ok) return report.problem(at, `an issuer ${parsed.fault}`)
  // RFC 8414 section 2: neither query nor fragment.
  if (parsed.url.query) return report.problem(at, 'an issuer must not have a query')
  checkPlainHttp(entry.issuer, entry, at, report)
}

const compileSource = (entry: IssuerInput, path: Path, around: Surroundings): KeyOptions['source'] => {
  const { keys, metadata_url } = entry
  const { report } = around
  if (metadata_url !== undefined) {
    const at = [...path, 'metadata_url']
    checkUrl(metadata_url, entry, at, report)
    if (keys !== 'discovery') report.problem(at, '`metadata_url` counts only with `keys: discovery`', 'key')
  }
  if (keys === 'discovery') return { kind: 'discovery' }
  if (keys.jwks_uri !== undefined) {
    checkUrl(keys.jwks_uri, entry, [...path, 'keys', 'jwks_uri'], report)
    return { kind: 'jwks_uri', url: keys.jwks_uri }
  }
  if (keys.jwks !== undefined) {
    const fault = jwksFault(keys.jwks)
    if (fault !== undefined) report.problem([...path, 'keys', 'jwks'], `\`jwks\` ${fault}`)
    return { kind: 'jwks', jwks: keys.jwks }
  }
  if (keys.jwks_file !== undefined) {
    const read = readNamed(keys.jwks_file, [...path, 'keys', 'jwks_file'], around, jwksFileFault)
    return { kind: 'jwks_file', file: read.file }
  }
  if (keys.secret_file !== undefined) return compileSecret(keys.secret_file, entry, path, around)
  const read = readNamed(keys.pem_file ?? '', [...path, 'keys', 'pem_file'], around, (bytes) => pemFault(asText(bytes)))
  return { kind: 'pem_file', file: read.file }
}

/** JO-4: HMAC counts with a secret file and with nothing else, and a secret file with nothing but HMAC. */
const checkHmac = (entry: IssuerInput, path: Path, report: Report): void => {
  const secret = entry.keys !== 'discovery' && entry.keys.secret_file !== undefined
  for (const [index, algorithm] of entry.algorithms.entries()) {
    if (hmacBytes.has(algorithm) === secret) continue
    if (!report.has([...path, 'algorithms'])) {
      return report.problem(
        [...path, 'keys', 'secret_file'],
        'a shared secret needs `algorithms`: some of HS256, HS384, HS512',
        'key',
      )
    }
    report.problem(
      [...path, 'algorithms', index],
      secret
        ? `\`${algorithm}\` is no algorithm for a shared secret: only HS256, HS384, HS512 are`
        : `\`${algorithm}\` counts only with \`keys: {secret_file: …}\`: every reader of a key set could sign tokens`,
    )
  }
}

const compileSecret = (name: string, entry: IssuerInput, path: Path, around: Surroundings): KeyOptions['source'] => {
  // Without an algorithm for it, which is reported already, as much as the least of them needs.
  const least = Math.min(...hmacBytes.values())
  const needed = Math.max(least, ...entry.algorithms.map((algorithm) => hmacBytes.get(algorithm) ?? 0))
  const { file } = readSecret(name, [...path, 'keys', 'secret_file'], around, ({ length }) =>
    length < needed ? `holds a secret of ${length} bytes: ${needed} are needed (RFC 7518 section 3.2)` : undefined,
  )
  return { kind: 'secret_file', file }
}

const readCa = (entry: IssuerInput, path: Path, around: Surroundings): string | undefined => {
  if (entry.ca_file === undefined) return undefined
  return asText(readNamed(entry.ca_file, [...path, 'ca_file'], around, (bytes) => caFault(asText(bytes))).bytes)
}
