import { refusesTokens } from '../support/attack.ts'
import { twisted } from '../support/twisted-token.ts'

refusesTokens(
  'Kong 3.7: base64url with padding, of the other alphabet, or with unused bits set is no token',
  ({ token }) => twisted(token()).map((bad) => [bad, 'token_malformed']),
)
