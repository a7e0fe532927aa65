import { mediaType } from '../media-type.ts'
import { spaceSeparated } from '../scopes.ts'
import { shown } from '../shown.ts'
import { foreignKind, isForeignType } from './kind.ts'
import type { Profile } from './profile.ts'

/**
 * Servers that write access tokens with `typ: JWT` or none (AT-3). `typ` may be anything but a known other kind; unless
 * it is `at+jwt`, nothing may look like an ID token or a logout token, and a client or a scope must be named.
 */
export const jwt: Profile = {
  required: [],
  client: ['client_id'],
  clientRequired: false,
  scopes: [{ claim: 'scope', read: spaceSeparated }],
  wrongKind(typ, claims, profile) {
    const wrong = (got: string) => ({ expected: 'an access token', got })
    if (typ !== undefined && typeof typ !== 'string') return wrong(shown(typ))
    const type = mediaType(typ ?? 'JWT')
    if (type === 'application/at+jwt') return undefined
    if (isForeignType(type)) return wrong(shown(typ))
    const kind = foreignKind(claims, profile)
    if (kind !== undefined) return wrong(kind)
    const names = [...profile.client, ...profile.scopes.map(({ claim }) => claim)]
    return names.some((name) => claims[name] !== undefined)
      ? undefined
      : wrong(`ID token or another kind: neither ${names.join(' nor ')}`)
  },
}
