import { resolve } from 'node:path'
import { type KeyOptions, toKeyOptions } from '../keys/options.ts'
import { toTokenOptions } from '../token/options.ts'
import type { Issuer } from './config.ts'
import { caFault, jwksFault, jwksFileFault, pemFault, type ReadFile } from './files.ts'
import type { Report } from './report.ts'
import { bareIssuer, type FileInput, type IssuerInput } from './schema.ts'
import type { Path } from './tree.ts'
import { isLoopback, parseWebUrl } from './web-url.ts'

/** What the compiling of an issuer needs beside its entry. */
export interface Surroundings {
  /** Of the config file: relative paths are relative to it. */
  readonly directory: string
  readonly readFile: ReadFile
  readonly report: Report
}

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
      token: toTokenOptions(entry),
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

/** AS-5: keys that came over plain http are whatever somebody on the way made of them. */
const checkPlainHttp = (text: string, entry: IssuerInput, at: Path, report: Report): void => {
  const parsed = parseWebUrl(text)
  if (!parsed.ok || parsed.url.scheme === 'https' || isLoopback(parsed.url.host) || entry.dangerously_allow_http) return
  report.problem(at, 'http:// is accepted on loopback only; elsewhere `dangerously_allow_http: true` must be written')
}

const checkUrl = (text: string, entry: IssuerInput, at: Path, report: Report): void => {
  const parsed = parseWebUrl(text)
  if (!parsed.ok) return report.problem(at, `\`${at.at(-1)}\` ${parsed.fault}`)
  checkPlainHttp(text, entry, at, report)
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
  const read = readNamed(keys.pem_file ?? '', [...path, 'keys', 'pem_file'], around, (bytes) => pemFault(asText(bytes)))
  return { kind: 'pem_file', file: read.file }
}

const readCa = (entry: IssuerInput, path: Path, around: Surroundings): string | undefined => {
  if (entry.ca_file === undefined) return undefined
  return asText(readNamed(entry.ca_file, [...path, 'ca_file'], around, (bytes) => caFault(asText(bytes))).bytes)
}

/** Reads a file that the config names, and reports what is wrong with it at the place of its name. */
const readNamed = (
  name: string,
  at: Path,
  { directory, readFile, report }: Surroundings,
  faultOf: (bytes: Uint8Array) => string | undefined,
): { readonly file: string; readonly bytes: Uint8Array } => {
  const absolute = resolve(directory, name)
  const empty = new Uint8Array()
  // An empty name would be the directory itself; one that is not known is reported already.
  if (name === '') {
    report.problem(at, 'the name of a file must not be empty')
    return { file: absolute, bytes: empty }
  }
  const read = readFile(absolute)
  const fault = read.ok ? (read.bytes.length === 0 ? 'is empty' : faultOf(read.bytes)) : read.fault
  if (fault !== undefined) report.problem(at, `the file \`${report.quote(at)}\` ${fault}`)
  return { file: absolute, bytes: read.ok ? read.bytes : empty }
}

const asText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
