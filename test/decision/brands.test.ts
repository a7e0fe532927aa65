import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Grant } from '../../src/decision/authorize.ts'
import type { PublicPass } from '../../src/decision/decide.ts'
import { match } from '../../src/decision/match.ts'
import { policy } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

// Checked by the compiler: `npm run typecheck` fails when one of these lines compiles.
test('promise 1: neither a Grant nor a PublicPass can be written down, they are made by authorize and admit', () => {
  const found = match(policy({ indicator: 'https://h.test' }), 'h.test', '/', 'GET')
  assert.ok(found.kind === 'route')
  // @ts-expect-error the brand is not exported
  const grant: Grant = { match: found.match, token: verifiedToken() }
  // @ts-expect-error the brand is not exported
  const pass: PublicPass = { match: found.match }
  assert.ok(grant && pass)
})
