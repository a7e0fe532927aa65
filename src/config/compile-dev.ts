import type { Resource, Rule } from '../decision/resource.ts'
import { type DevOptions, toDevOptions } from '../dev/options.ts'
import { checkList } from './compile-rule.ts'
import type { Issuer, Upstream } from './config.ts'
import type { Report } from './report.ts'
import type { FileInput } from './schema.ts'
import { parseWebUrl } from './web-url.ts'

/** What the `dev` block refers to. */
export interface DevContext {
  readonly report: Report
  readonly issuerNames: readonly string[]
  readonly issuers: readonly Issuer[]
  readonly upstreams: readonly Upstream[]
  /** Whether every upstream could be compiled; if not, what is not found may be one of those. */
  readonly complete: boolean
}

/** Judges the names in the `dev` block: issuer, indicators, permissions, roles and upstreams exist elsewhere. */
export const compileDev = (input: NonNullable<FileInput['dev']>, context: DevContext): DevOptions => {
  const { report, issuerNames } = context
  if (!issuerNames.includes(input.issuer)) {
    report.problem(['dev', 'issuer'], `there is no issuer \`${report.quote(['dev', 'issuer'])}\``)
  }
  checkRoles(input, context)
  for (const kind of ['users', 'clients'] as const) {
    for (const [name, { roles }] of Object.entries(input[kind])) {
      for (const [index, role] of roles.entries()) {
        const at = ['dev', kind, name, 'roles', index]
        if (!Object.hasOwn(input.roles, role)) report.problem(at, `there is no role \`${report.quote(at)}\``)
      }
    }
  }
  checkClients(input, report)
  checkEncryption(input, context)
  if (context.complete) checkReferences(input, context)
  return toDevOptions(input)
}

const checkRoles = ({ roles }: NonNullable<FileInput['dev']>, { report, upstreams, complete }: DevContext): void => {
  const known = new Map<string, Set<string>>()
  for (const { resource } of upstreams) {
    known.set(resource.indicator, new Set([...(known.get(resource.indicator) ?? []), ...permissionsOf(resource)]))
  }
  for (const [role, resources] of Object.entries(roles)) {
    for (const [indicator, permissions] of Object.entries(resources)) {
      const path = ['dev', 'roles', role, indicator]
      checkList(permissions, path, report)
      const scopes = known.get(indicator)
      if (!scopes) {
        if (complete) report.problem(path, `there is no resource \`${report.quote(path, 'key')}\``, 'key')
        continue
      }
      for (const [index, permission] of permissions.entries()) {
        if (scopes.has(permission)) continue
        const at = [...path, index]
        report.warn(at, `no route of the resource asks for \`${report.quote(at)}\``)
      }
    }
  }
}

/** Every scope that the rules of a resource name. */
const permissionsOf = (resource: Resource): readonly string[] => resource.all.flatMap(({ rule }) => scopesOf(rule))

const scopesOf = (rule: Rule): readonly string[] => (rule.kind === 'token' ? [...rule.scopes, ...rule.anyScope] : [])

const checkClients = ({ clients }: NonNullable<FileInput['dev']>, report: Report): void => {
  for (const [name, client] of Object.entries(clients)) {
    const path = ['dev', 'clients', name]
    if (client.secret === undefined && client.redirect_uris.length === 0) {
      report.problem(path, 'a client needs a `secret`, `redirect_uris`, or both', 'key')
    }
    for (const [index, uri] of client.redirect_uris.entries()) {
      const at = [...path, 'redirect_uris', index]
      // RFC 6749 section 3.1.2: absolute, without a fragment. Native applications have schemes of their own.
      if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+$/.test(uri)) {
        report.problem(at, 'a redirect URI must be absolute and have no fragment')
      }
    }
  }
}

/** The embedded authorization server encrypts to the gateway's own keys: there must be some. */
const checkEncryption = ({ encrypt, issuer }: NonNullable<FileInput['dev']>, context: DevContext): void => {
  const { report, issuers, upstreams, complete } = context
  const played = issuers.find(({ name }) => name === issuer)
  if (encrypt.length > 0 && played !== undefined && played.token.decryption === undefined) {
    report.problem(['dev', 'encrypt'], `the issuer has no \`decryption\`: its encrypted tokens would be refused`, 'key')
  }
  for (const [index, indicator] of encrypt.entries()) {
    if (!complete || upstreams.some(({ resource }) => resource.indicator === indicator)) continue
    const at = ['dev', 'encrypt', index]
    report.problem(at, `there is no resource \`${report.quote(at)}\``)
  }
}

const checkReferences = (input: NonNullable<FileInput['dev']>, { report, upstreams }: DevContext): void => {
  const { default_resource, apis } = input
  if (default_resource !== undefined && !upstreams.some(({ resource }) => resource.indicator === default_resource)) {
    const at = ['dev', 'default_resource']
    report.problem(at, `there is no resource \`${report.quote(at)}\``)
  }
  for (const [index, api] of apis.entries()) {
    const at = ['dev', 'apis', index]
    const parsed = parseWebUrl(api)
    if (!parsed.ok) report.problem(at, `an API ${parsed.fault}`)
    else if (!upstreams.some(({ key }) => key === api)) {
      report.problem(at, `there is no upstream \`${report.quote(at)}\``)
    }
  }
}
