import { refusesTargets } from '../support/attack.ts'

refusesTargets('APISIX 13787: control characters in the target became lines upstream', [
  '/public%0d%0aHost:%20x',
  '/public/%0a',
  '/public/%09',
  '/public/%7f',
  '/public/a%00',
])
