// Also the changelog of 2026.
import { removesFields } from '../support/attack.ts'

removesFields('mod_auth_openidc 222: fields were not scrubbed on public routes and preflights', [
  'X-Auth-Subject: forged',
  'Origin: https://app.test',
  'Access-Control-Request-Method: POST',
])
