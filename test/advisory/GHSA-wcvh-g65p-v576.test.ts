// Also CVE-2025-62610, CVE-2026-22817 and CVE-2026-22818 (Hono).
import { refusesTokens } from '../support/attack.ts'

const near = [
  'https://gw.test/',
  'https://GW.test',
  'http://gw.test',
  'https://gw.test:443',
  'https://gw.test/a',
  'https://gw.tes',
  'https://gw.test.evil.test',
  'gw.test',
  '*',
  'https://gw.test,https://x',
  'https://gw.test https://x',
  'https://gw.tеst',
  'https://gw.test#',
]

refusesTokens(
  'GHSA-wcvh-g65p-v576 (mod_auth_openidc): an audience that is nearly this one is another one',
  ({ token }) => [
    ...near.map((aud) => [token({ aud }), 'audience_mismatch'] as const),
    ...near.map((aud) => [token({ aud: [aud, 'https://x'] }), 'audience_mismatch'] as const),
    [token({ aud: undefined }), 'audience_missing'],
    [token({ aud: { 0: 'https://gw.test', length: 1 } }), 'token_malformed'],
    [token({ aud: [['https://gw.test']] }), 'token_malformed'],
    [token({ aud: ['https://gw.test', 5] }), 'token_malformed'],
    [token({ aud: null }), 'audience_missing'],
  ],
)
