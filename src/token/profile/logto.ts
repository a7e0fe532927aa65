import type { Profile } from './profile.ts'
import { rfc9068 } from './rfc9068.ts'

/**
 * Logto, for an API resource or an organization: RFC 9068 to the letter, for users and for machines. Without `resource` in
 * the request its access tokens are opaque, which is another refusal.
 */
export const logto: Profile = rfc9068
