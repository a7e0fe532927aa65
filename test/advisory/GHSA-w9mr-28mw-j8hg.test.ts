import { refusesNominations } from '../support/attack.ts'

refusesNominations('GHSA-w9mr-28mw-j8hg (Oathkeeper): `Connection` deleted the field that the gateway adds', [
  ['Connection: close, X-Auth-Subject'],
  ['Connection: x-auth-subject'],
  ['connection: X-AUTH-SUBJECT , x'],
  ['Connection: keep-alive', 'Connection:X-Auth-Subject'],
  ['Connection: close, X-Request-Id'],
])
