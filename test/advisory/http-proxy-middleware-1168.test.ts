import { refusesTargets } from '../support/attack.ts'

refusesTargets('http-proxy-middleware 1168: encoded dots passed the filter', [
  '/public/%2e/../admin/secret',
  '/public/%2e%2e/admin/secret',
  '/public/%2E',
])
