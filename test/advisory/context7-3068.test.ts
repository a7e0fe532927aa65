// Also FastMCP 2056 and 3100.
import { refusesTokens } from '../support/attack.ts'

refusesTokens('context7 3068: what does not look like a JWT is refused, not waved through', () => [
  ['2YotnFZFEjr1zCsicMWpAA', 'token_opaque'],
  ['a.b', 'token_opaque'],
  ['v4.public.e30', 'token_malformed'],
  ['eyJhbGciOiJub25lIn0.e30', 'token_opaque'],
  ['a.b.c.d.e', 'decryption_failed'],
])
