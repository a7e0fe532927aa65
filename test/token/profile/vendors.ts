import { auth0Vendor } from './auth0.ts'
import { cognitoVendor } from './cognito.ts'
import { entraFirst, entraSecond } from './entra.ts'
import { jwtVendor } from './jwt.ts'
import { keycloakVendor } from './keycloak.ts'
import { logtoVendor } from './logto.ts'
import { oktaVendor } from './okta.ts'
import { rfc9068Vendor } from './rfc9068.ts'
import type { Vendor } from './vendor.ts'

/** Every profile has its vendor here; Entra ID is two issuers. */
export const VENDORS: readonly Vendor[] = [
  rfc9068Vendor,
  logtoVendor,
  keycloakVendor,
  auth0Vendor,
  entraFirst,
  entraSecond,
  oktaVendor,
  cognitoVendor,
  jwtVendor,
]
