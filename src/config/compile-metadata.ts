import { isHttpIndicator } from '../decision/indicator.ts'
import { renderMetadata } from '../decision/metadata.ts'
import type { Resource } from '../decision/resource.ts'
import { checkList } from './compile-rule.ts'
import type { Issuer } from './config.ts'
import type { EntryInput } from './entry-schema.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'

/** What a document says beside what its own resource does. */
export interface MetadataContext {
  readonly report: Report
  readonly issuers: readonly Issuer[]
  /** Of DPoP proofs, each once. */
  readonly proofAlgorithms: readonly string[]
  /** Whether the listener asks clients for certificates. */
  readonly clientCertificates: boolean
}

/** Judges `metadata` of an entry and renders the document, with what follows from the routes (PR-8). */
export const compileMetadata = (
  entry: EntryInput,
  at: Path,
  {
    place,
    scopes,
    issuers,
    routes,
  }: Pick<Resource, 'place' | 'issuers'> & {
    readonly scopes: readonly string[]
    readonly routes: Resource['all']
  },
  context: MetadataContext,
): Resource['metadata'] => {
  if (entry.metadata === false) return undefined
  const path = [...at, 'metadata']
  checkList(entry.metadata.scopes_supported ?? [], [...path, 'scopes_supported'], context.report)
  if (!isHttpIndicator(entry.resource) && Object.keys(entry.metadata).length > 0) {
    context.report.warn(path, 'no document is served: the indicator is no http(s) URL', 'key')
  }
  return renderMetadata({
    indicator: entry.resource,
    at: entry.at,
    place,
    issuers: context.issuers.filter(({ name }) => issuers.includes(name)).map(({ issuer }) => issuer),
    scopes,
    senderConstrained: needsBinding(routes),
    proofAlgorithms: context.proofAlgorithms,
    clientCertificates: context.clientCertificates,
    authorizationDetailsTypes: detailsTypesOf(routes),
    options: entry.metadata,
  })
}

/** Whether no token gets in unbound: every route that takes a token takes bound ones only, and there is one. */
const needsBinding = (routes: Resource['all']): boolean => {
  const rules = routes.flatMap(({ rule }) => (rule.kind === 'token' ? [rule] : []))
  return rules.length > 0 && rules.every(({ senderConstrained }) => senderConstrained)
}

/** RA-4: what clients may have to ask for, each once. */
const detailsTypesOf = (routes: Resource['all']): readonly string[] => [
  ...new Set(routes.flatMap(({ rule }) => (rule.kind === 'token' ? (rule.authorizationDetails?.type ?? []) : []))),
]
