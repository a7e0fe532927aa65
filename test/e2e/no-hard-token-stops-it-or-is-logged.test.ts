import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loggedRequests } from '../support/logged.ts'
import { liveKey, liveToken } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { base64url, goodClaims, mint } from '../support/tokens.ts'

const now = Math.floor(Date.now() / 1000)
const body = (members: string): string =>
  `${JSON.stringify(goodClaims({ iat: now - 10, exp: now + 600, sub: 'canary-subject', jti: 'hard-1' })).slice(0, -1)}${members}}`
const nest = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const ofClaims = (claims: string | Uint8Array): string => mint({ key: liveKey, claims })
const ofHeader = (header: string): string => mint({ key: liveKey, header, claims: body('') })

const hard: readonly string[] = [
  ofClaims('['.repeat(2000)),
  ofClaims(body(`,"x":${nest(2000)}`)),
  ofClaims(body(',"aud":"canary-audience-twice"')),
  ofClaims(body(',"x":1e400').replace(/"exp":\d+/, '"exp":1e400')),
  ofClaims(body(',"x":"\\ud83d canary"')),
  ofClaims(Buffer.from(body('canary'), 'utf16le')),
  ofHeader(`{"alg":"ES256","typ":"at+jwt","kid":"es1","crit":["canary-crit"]}`),
  ofHeader(`{"alg":"ES256","typ":"at+jwt","kid":"${'canary'.repeat(100)}"}`),
  ofHeader(`{"alg":"none","typ":"at+jwt","kid":"es1","jwk":{"canary":1}}`),
  ofHeader('['.repeat(2000)),
  `${base64url('canary')}.${base64url('canary')}.${base64url('canary')}`,
  'canary'.repeat(1000),
  `${'canary.'.repeat(4)}canary`,
  '.'.repeat(4000),
  `${liveToken({ sub: 'canary-subject' })}=`,
]

/** Pieces of a token that nobody else's text contains. */
const piecesOf = (token: string): readonly string[] =>
  token
    .split('.')
    .flatMap((part) => part.match(/[\x21-\x7e]{24}/g) ?? [])
    .filter((piece) => new Set(piece).size > 6)

test('2.7 row 2: no malformed and no mutated token stops the gateway, reaches the upstream, or is in a log, metric or answer', async (t) => {
  const stage = await startSpied(t, { extra: 'log: { level: trace }' })
  const good = liveToken({ sub: 'canary-subject', jti: 'hard-1', claim: 'canary-claim' })
  const outputs: string[] = []
  const send = async (token: string): Promise<number> => {
    const head = ['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${token}`]
    const answer = await sendRaw(stage.port, requestBytes(head), { until: wholeAnswer, quietMs: 5000 })
    outputs.push(answer.text)
    return answer.status
  }
  assert.equal(await send(good), 200)
  let refused = 0
  const refuses = async (token: string): Promise<void> => {
    const status = await send(token)
    assert.ok([400, 401].includes(status), `${status}`)
    refused++
  }
  for (const token of hard) await refuses(token)
  const bit = fc.nat(good.length * 8 - 1)
  await fc.assert(
    fc.asyncProperty(bit, async (which) => {
      const at = which >> 3
      const turned = String.fromCharCode(good.charCodeAt(at) ^ (1 << (which & 7)))
      await refuses(good.slice(0, at) + turned + good.slice(at + 1))
    }),
    { numRuns: 200 },
  )
  assert.equal(await send(good), 200)
  assert.equal(stage.spy.requests.length, 2)
  await loggedRequests(stage, 100)
  outputs.push(await stage.logText())
  for (const path of ['metrics', 'issuers', 'readyz?verbose']) {
    outputs.push(await (await fetch(`http://127.0.0.1:${stage.adminPort}/${path}`)).text())
  }
  const needles = [good, ...hard].flatMap(piecesOf)
  assert.ok(refused > 200 && needles.length > 100)
  for (const output of outputs) {
    assert.doesNotMatch(output, /canary/)
    for (const needle of needles) assert.ok(!output.includes(needle), `${needle} in ${output.slice(0, 200)}`)
  }
})
