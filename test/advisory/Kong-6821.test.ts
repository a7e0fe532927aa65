// Also CVE-2021-27306.
import { refusesTargets } from '../support/attack.ts'

refusesTargets('Kong 6821: the path was routed before it was normalised', [
  '/public/../admin/secret',
  '/public/%2E%2E/admin',
  '/public/a/..',
  '/public/.',
  '//admin',
])
