import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Addressed, authorize, type Grant } from '../../src/decision/authorize.ts'
import type { PublicPass } from '../../src/decision/decide.ts'
import { match } from '../../src/decision/match.ts'
import { unknownSender } from '../../src/decision/sender.ts'
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

test('promise 1: what was not addressed cannot be authorized', () => {
  const found = match(policy({ indicator: 'https://h.test' }), 'h.test', '/', 'GET')
  assert.ok(found.kind === 'route' && found.match.route.rule.kind === 'token')
  const { rule } = found.match.route
  const candidate = { match: found.match, rule, scheme: 'Bearer', credential: '' } as const
  // @ts-expect-error the brand is not exported
  const addressed: Addressed = { candidate, token: verifiedToken() }
  // @ts-expect-error a candidate is no addressed token
  const authorizeCandidate = () => authorize(candidate, unknownSender, 0, 0)
  assert.ok(addressed && authorizeCandidate)
})
