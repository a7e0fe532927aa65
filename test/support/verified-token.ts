import type { VerifiedToken } from '../../src/decision/token.ts'

/** A proven token for tests of the pure decision, where nothing is left to prove. */
export const verifiedToken = (change: Partial<VerifiedToken> = {}): VerifiedToken => ({
  issuer: 'main',
  iss: 'https://issuer.test/',
  audience: ['https://api.test/orders'],
  scopes: ['orders:read'],
  subject: 'alice',
  client: 'cli',
  expiresAt: 2000,
  scopesByAudience: undefined,
  authTime: undefined,
  acr: undefined,
  authorizationDetails: [],
  confirmation: undefined,
  claims: { sub: 'alice' },
  ...change,
})
