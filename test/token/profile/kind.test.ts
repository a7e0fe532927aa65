import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jwt } from '../../../src/token/profile/jwt.ts'
import { foreignKind } from '../../../src/token/profile/kind.ts'
import { goodClaims } from '../../support/tokens.ts'

const kind = (claims: Record<string, unknown>) =>
  foreignKind(Object.assign(Object.create(null), goodClaims(claims)), jwt)

test('AT-21: a claim that says what a token is, is believed where that is another kind', () => {
  const cases: readonly (readonly [Record<string, unknown>, string | undefined])[] = [
    [{ typ: 'ID' }, 'ID token: its claim typ is ID'],
    [{ typ: 'Refresh' }, 'another kind: its claim typ is Refresh'],
    [{ typ: 'Offline' }, 'another kind: its claim typ is Offline'],
    [{ typ: 'Logout' }, 'another kind: its claim typ is Logout'],
    [{ token_use: 'id' }, 'ID token: its claim token_use is id'],
    [{ token_use: 'refresh' }, 'another kind: its claim token_use is refresh'],
    [{ token_introspection: {} }, 'introspection response'],
    [{ events: {} }, 'logout token or security event'],
    // What nobody defined means nothing here (AT-13).
    [{ typ: 'Bearer' }, undefined],
    [{ typ: 'customer' }, undefined],
    [{ typ: 5 }, undefined],
    [{ token_use: 'access' }, undefined],
    [{ token_use: 'api' }, undefined],
  ]
  for (const [claims, expected] of cases) assert.equal(kind(claims), expected, JSON.stringify(claims))
})
