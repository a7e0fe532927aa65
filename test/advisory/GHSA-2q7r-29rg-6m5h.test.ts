import { refusesTargets } from '../support/attack.ts'

refusesTargets(
  'GHSA-2q7r-29rg-6m5h (@fastify/reply-from): `..` left the base path of the upstream',
  ['/public/../../../etc', '/public/%2e%2e/%2e%2e/x', '/..', '/public/..%2f..'],
  { base: '/v1/base' },
)
