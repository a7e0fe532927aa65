import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Outcome, pass, refuse } from '../../../src/decision/refusal.ts'
import { createNonces, type Nonces } from '../../../src/token/dpop/nonces.ts'
import { createProofVerifier, type ProvenRequest } from '../../../src/token/dpop/proof-verifier.ts'
import { cpuCost } from '../../support/cpu-cost.ts'
import {
  athOf,
  createNotes,
  createProver,
  type Notes,
  PROVER_ALGS,
  type Prover,
  type ProverAlg,
  type Proving,
  signCompact,
} from '../../support/dpop.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import { NOW } from '../../support/tokens.ts'

const URI = 'https://api.test/orders/1'
const TOKEN = 'an.access.token'
const AGE = 60
const AHEAD = 6

const provers = new Map<ProverAlg, Prover>()
for (const alg of PROVER_ALGS) provers.set(alg, await createProver(alg))
const proverOf = (alg: ProverAlg): Prover => provers.get(alg) ?? assert.fail(alg)
const alice = proverOf('ES256')
const mallory = await createProver()

/** A verifier with its own notes, at an instant that a test may move. */
const stage = ({
  algorithms = PROVER_ALGS,
  nonces,
  ageMs = AGE * 1000,
  notes,
}: {
  algorithms?: readonly string[]
  nonces?: Nonces
  ageMs?: number
  notes?: Notes
} = {}) => {
  const clock = createManualClock(NOW * 1000)
  const kept = notes ?? createNotes(clock.now)
  const degraded: string[] = []
  const verifier = createProofVerifier(
    { ageMs, algorithms },
    { store: kept, nonces, events: { degraded: (op, policy) => degraded.push(`${op} ${policy}`) } },
  )
  return {
    clock,
    notes: kept,
    degraded,
    verifier,
    judge: (
      proofs: string | readonly string[],
      request: Partial<ProvenRequest> = {},
      { token = TOKEN, boundTo = alice.jkt }: { token?: string; boundTo?: string } = {},
    ): Outcome<string> | Promise<Outcome<string>> =>
      verifier.prove(
        { proofs: [proofs].flat(), method: 'GET', uri: URI, ...request },
        token,
        boundTo,
        clock.now() / 1000,
      ),
  }
}

const prove = (change: Partial<Proving> = {}, by: Prover = alice): string =>
  by.prove({ token: TOKEN, uri: URI, now: NOW, ...change })

const invalid = (fault: string): Outcome<string> => refuse({ reason: 'proof_invalid', fault })
const replayed = refuse({ reason: 'proof_replayed' })
const good = pass(alice.jkt)

for (const alg of PROVER_ALGS) {
  test(`DP-4, DP-10: a proof by ${alg} passes, and the thumbprint of its key is told as jose computes it`, async () => {
    const by = proverOf(alg)
    const { judge } = stage()
    // Twice: with the key imported, and with the key kept.
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(await judge(prove({}, by), {}, { boundTo: by.jkt }), pass(by.jkt))
    }
    const broken = prove({}, by).replace(/..$/, (end) => (end === 'AA' ? 'BA' : 'AA'))
    assert.equal((await judge(broken, {}, { boundTo: by.jkt })).ok, false)
  })
}

test('what can be told at once is told without a promise; a key that is slow is left to another thread', async () => {
  for (const alg of PROVER_ALGS) {
    const by = proverOf(alg)
    const { judge } = stage()
    const proof = prove({}, by)
    const answer = judge(proof, {}, { boundTo: by.jkt })
    assert.equal(answer instanceof Promise, alg === 'ES384' || alg === 'ES512', alg)
    // Both at once: one of them is the replay.
    const again = await judge(proof, {}, { boundTo: by.jkt })
    assert.deepEqual([(await answer).ok, again.ok].sort(), [false, true], alg)
  }
})

/** Everything of attacks 2.1 row 21 that concerns the proof itself: the change, and the fault that must be found. */
const negatives: readonly (readonly [string, string, Partial<Proving>, string])[] = [
  ['DP-3', 'typ at+jwt', { header: { typ: 'at+jwt' } }, 'a typ that is not dpop+jwt'],
  ['DP-3', 'typ JWT', { header: { typ: 'JWT' } }, 'a typ that is not dpop+jwt'],
  ['DP-3', 'no typ', { header: { typ: undefined } }, 'a typ that is not dpop+jwt'],
  ['DP-3', 'typ as a list', { header: { typ: ['dpop+jwt'] } }, 'a typ that is not dpop+jwt'],
  ['DP-4', 'alg none', { header: { alg: 'none' } }, 'an alg that is not accepted (dpop.algorithms)'],
  ['DP-4', 'alg None', { header: { alg: 'None' } }, 'an alg that is not accepted (dpop.algorithms)'],
  ['DP-4', 'alg HS256', { header: { alg: 'HS256' } }, 'an alg that is not accepted (dpop.algorithms)'],
  ['DP-4', 'no alg', { header: { alg: undefined } }, 'an alg that is not accepted (dpop.algorithms)'],
  ['DP-4', 'alg as a list', { header: { alg: ['ES256'] } }, 'an alg that is not accepted (dpop.algorithms)'],
  ['DP-4', 'alg in lower case', { header: { alg: 'es256' } }, 'an alg that is not accepted (dpop.algorithms)'],
  ['DP-4', 'another alg', { header: { alg: 'ES384' } }, 'a jwk of another crv than its algorithm needs'],
  ['DP-4', 'alg of another kty', { header: { alg: 'RS256' } }, 'a jwk of another kty than its algorithm needs'],
  ['JO-11', 'crit', { header: { crit: ['exp'] } }, 'header: crit, and no extension is understood'],
  ['JO-12', 'b64', { header: { b64: false } }, 'header: b64'],
  ['JO-20', 'cty JWT', { header: { cty: 'JWT' } }, 'header: cty of a nested token'],
  ['JO-9', 'an 8 KiB kid', { header: { kid: 'k'.repeat(4000) } }, 'header: kid is too long'],
  ['DP-5', 'no jwk', { header: { jwk: undefined } }, 'a jwk that is no object'],
  ['DP-5', 'jwk null', { header: { jwk: null } }, 'a jwk that is no object'],
  ['DP-5', 'jwk as a string', { header: { jwk: JSON.stringify(alice.jwk) } }, 'a jwk that is no object'],
  ['DP-5', 'jwk as a list', { header: { jwk: [alice.jwk] } }, 'a jwk that is no object'],
  ['DP-5', 'another jwk', { header: { jwk: mallory.jwk } }, 'a signature that is not by its jwk'],
  ['DP-2', 'no jti', { claims: { jti: undefined } }, 'a jti that is not a string of 1 to 256 characters'],
  ['DP-2', 'jti as a number', { claims: { jti: 1 } }, 'a jti that is not a string of 1 to 256 characters'],
  ['DP-2', 'an empty jti', { claims: { jti: '' } }, 'a jti that is not a string of 1 to 256 characters'],
  ['DP-15', 'a long jti', { claims: { jti: 'j'.repeat(257) } }, 'a jti that is not a string of 1 to 256 characters'],
  ['DP-2', 'no htm', { claims: { htm: undefined } }, 'an htm that is not a string'],
  ['DP-2', 'htm as a list', { claims: { htm: ['GET'] } }, 'an htm that is not a string'],
  ['DP-6', 'htm in lower case', { claims: { htm: 'get' } }, 'an htm of another method'],
  ['DP-6', 'htm POST', { claims: { htm: 'POST' } }, 'an htm of another method'],
  ['DP-6', 'an empty htm', { claims: { htm: '' } }, 'an htm of another method'],
  ['DP-2', 'no htu', { claims: { htu: undefined } }, 'an htu that is not a string'],
  ['DP-2', 'htu as an object', { claims: { htu: { href: URI } } }, 'an htu that is not a string'],
  ['DP-7', 'htu of another path', { claims: { htu: 'https://api.test/orders/2' } }, 'an htu of another URI'],
  ['DP-7', 'htu of the path above', { claims: { htu: 'https://api.test/orders' } }, 'an htu of another URI'],
  ['DP-7', 'htu with a slash more', { claims: { htu: `${URI}/` } }, 'an htu of another URI'],
  ['DP-7', 'htu in another case', { claims: { htu: 'https://api.test/Orders/1' } }, 'an htu of another URI'],
  ['DP-7', 'htu of another host', { claims: { htu: 'https://evil.test/orders/1' } }, 'an htu of another URI'],
  ['DP-7', 'htu of another port', { claims: { htu: 'https://api.test:8443/orders/1' } }, 'an htu of another URI'],
  ['DP-7', 'htu of another scheme', { claims: { htu: 'http://api.test/orders/1' } }, 'an htu of another URI'],
  ['DP-7', 'htu of the upstream', { claims: { htu: 'http://127.0.0.1:3000/1' } }, 'an htu of another URI'],
  ['DP-7', 'htu without scheme', { claims: { htu: '//api.test/orders/1' } }, 'an htu of another URI'],
  ['DP-7', 'htu with userinfo', { claims: { htu: 'https://a@api.test/orders/1' } }, 'an htu of another URI'],
  ['DP-7', 'htu with dots', { claims: { htu: 'https://api.test/x/../orders/1' } }, 'an htu of another URI'],
  ['DP-7', 'an empty htu', { claims: { htu: '' } }, 'an htu of another URI'],
  ['DP-8', 'no iat', { claims: { iat: undefined } }, 'an iat that is not a NumericDate'],
  ['DP-8', 'iat as a string', { claims: { iat: String(NOW) } }, 'an iat that is not a NumericDate'],
  ['DP-8', 'iat null', { claims: { iat: null } }, 'an iat that is not a NumericDate'],
  ['DP-8', 'iat an hour ago', { claims: { iat: NOW - 3600 } }, 'an iat too long ago (dpop.proof_age)'],
  ['DP-8', 'iat a second too old', { claims: { iat: NOW - AGE - 1 } }, 'an iat too long ago (dpop.proof_age)'],
  ['DP-8', 'iat in an hour', { claims: { iat: NOW + 3600 } }, 'an iat in the future'],
  ['DP-8', 'iat a second too new', { claims: { iat: NOW + AHEAD + 1 } }, 'an iat in the future'],
  ['DP-8', 'iat in milliseconds', { claims: { iat: NOW * 1000 } }, 'an iat in the future'],
  ['DP-9', 'no ath', { claims: { ath: undefined } }, 'an ath that is not a string'],
  ['DP-9', 'ath as a list', { claims: { ath: [athOf(TOKEN)] } }, 'an ath that is not a string'],
  ['DP-9', 'ath of another token', { claims: { ath: athOf('another') } }, 'an ath of another token'],
  ['DP-9', 'an empty ath', { claims: { ath: '' } }, 'an ath of another token'],
  ['DP-9', 'ath with padding', { claims: { ath: `${athOf(TOKEN)}=` } }, 'an ath of another token'],
  ['DP-9', 'the token as ath', { claims: { ath: TOKEN } }, 'an ath of another token'],
]
for (const [id, name, change, fault] of negatives) {
  test(`${id}: a proof with ${name} is refused and not noted`, async () => {
    const { judge, notes } = stage()
    assert.deepEqual(await judge(prove(change)), invalid(fault))
    assert.equal(notes.kept.size, 0)
  })
}

const exact = (claims: Record<string, unknown> = {}): string =>
  JSON.stringify({ jti: 'j', htm: 'GET', htu: URI, iat: NOW, ath: athOf(TOKEN), ...claims })

const shapes: readonly (readonly [string, string, string])[] = [
  ['an empty field', '', 'what is no compact JWS'],
  ['one part', 'abc', 'what is no compact JWS'],
  ['two parts', 'e30.e30', 'what is no compact JWS'],
  ['five parts', 'a.b.c.d.e', 'what is no compact JWS'],
  ['four parts', `${prove()}.AA`, 'what is no compact JWS'],
  ['empty parts', '..', 'header: not JSON in UTF-8'],
  ['JSON serialisation', '{"payload":""}', 'what is no compact JWS'],
  ['two in one line', `${prove()}, ${prove()}`, 'what is no compact JWS'],
  ['two in one line without space', `${prove()},${prove()}`, 'what is no compact JWS'],
  ['padding', `${prove()}=`, 'what is no compact JWS'],
  ['a space behind', `${prove()} `, 'what is no compact JWS'],
  ['a percent escape', prove().replace('.', '%2E'), 'what is no compact JWS'],
  ['text beyond ASCII', `${prove()}é`, 'what is no compact JWS'],
  ['too many characters', prove({ claims: { x: 'x'.repeat(8192) } }), 'a proof that is too long'],
  ['no signature', prove().replace(/[^.]*$/, ''), 'a signature that is not by its jwk'],
  [
    'the signature of another',
    prove().replace(/[^.]*$/, prove().split('.')[2] ?? ''),
    'a signature that is not by its jwk',
  ],
  ['a signature of zeros', prove().replace(/[^.]*$/, 'A'.repeat(86)), 'a signature that is not by its jwk'],
  ['a doubled signature', prove().replace(/([^.]*)$/, '$1$1'), 'a signature that is not by its jwk'],
  ['a signature of 63 octets', prove().replace(/[^.]*$/, 'A'.repeat(84)), 'a signature that is not by its jwk'],
  ['a signature in another spelling', prove().replace(/.$/, 'B'), 'a part that is not canonical base64url'],
  ['a member twice', prove({ claims: exact().replace('{', '{"jti":"x",') }), 'claims: a member is named twice'],
  ['claims as a list', prove({ claims: `[${exact()}]` }), 'claims: not a JSON object'],
  ['claims as a string', prove({ claims: '"x"' }), 'claims: not a JSON object'],
  ['a byte order mark', prove({ claims: `\ufeff${exact()}` }), 'claims: not JSON in UTF-8'],
  ['invalid UTF-8', prove({ claims: Buffer.from([0x7b, 0xff, 0x7d]) }), 'claims: not JSON in UTF-8'],
  ['a lone surrogate', prove({ claims: exact().replace('"j"', '"\\ud800"') }), 'claims: a lone surrogate'],
  ['iat beyond numbers', prove({ claims: exact().replace(String(NOW), '1e400') }), 'an iat that is not a NumericDate'],
  ['iat below numbers', prove({ claims: exact().replace(String(NOW), '-1e400') }), 'an iat that is not a NumericDate'],
  [
    'a prototype',
    prove({ claims: '{"__proto__":{"jti":"j","htm":"GET"}}' }),
    'a jti that is not a string of 1 to 256 characters',
  ],
]
for (const [name, proof, fault] of shapes) {
  test(`DP-1, DP-2: a proof with ${name} is refused`, async () => {
    assert.deepEqual(await stage().judge(proof), invalid(fault))
  })
}

test('DP-1: no proof at all is missing, and two field lines are one too many, equal or not', async () => {
  const { judge, notes } = stage()
  assert.deepEqual(await judge([]), refuse({ reason: 'proof_missing', methods: ['jkt'] }))
  const proof = prove()
  assert.deepEqual(await judge([proof, proof]), invalid('more than one DPoP field line'))
  assert.deepEqual(await judge([prove(), prove()]), invalid('more than one DPoP field line'))
  assert.deepEqual(await judge([proof, '']), invalid('more than one DPoP field line'))
  assert.equal(notes.kept.size, 0)
  assert.deepEqual(await judge(proof), good)
})

test('DP-6: htm is the method of the request, whichever: HEAD needs HEAD', async () => {
  for (const method of ['HEAD', 'POST', 'PROPFIND']) {
    const { judge } = stage()
    assert.deepEqual(await judge(prove({ method }), { method }), good, method)
    assert.deepEqual(await judge(prove(), { method }), invalid('an htm of another method'), method)
  }
})

const spellings: readonly (readonly [string, string])[] = [
  [URI, 'HTTPS://API.TEST/orders/1'],
  [URI, 'https://api.test:443/orders/1'],
  [URI, 'https://api.test/orders/1?x=1'],
  [URI, 'https://api.test/orders/1#f'],
  [URI, 'https://api.test/%6frders/%31'],
  ['https://api.test/~a', 'https://api.test/%7ea'],
  ['https://api.test/%C3%A9', 'https://api.test/%c3%a9'],
  ['https://api.test/', 'https://api.test'],
]
for (const [uri, htu] of spellings) {
  test(`DP-7: htu ${htu} is good for ${uri}`, async () => {
    assert.deepEqual(await stage().judge(prove({ claims: { htu } }), { uri }), good)
  })
}

test('DP-2: what else a proof or its key says is no hindrance', async () => {
  const { judge } = stage()
  for (const change of [
    { claims: { nonce: 'of somebody', aud: 'x', exp: 1, extra: { deep: [1] } } },
    { header: { kid: 'k', x5u: 'https://evil.test', unknown: [] } },
    { header: { typ: 'DPoP+JWT' } },
    { header: { typ: 'application/dpop+jwt' } },
    { header: { jwk: { ...alice.jwk, kid: 'k', use: 'sig', alg: 'ES256', key_ops: ['verify'], extra: 1 } } },
    { header: { jwk: Object.fromEntries(Object.entries(alice.jwk).reverse()) } },
  ]) {
    assert.deepEqual(await judge(prove(change)), good, JSON.stringify(change))
  }
})

test('DP-8: iat counts from a tenth of the age ahead, at least 5 s, to the age, in fractions too', async () => {
  for (const [age, ahead] of [
    [60, 6],
    [600, 60],
    [10, 5],
  ] as const) {
    const { judge } = stage({ ageMs: age * 1000 })
    for (const iat of [NOW - age, NOW - age + 0.5, NOW, NOW + ahead - 0.5, NOW + ahead]) {
      assert.deepEqual(await judge(prove({ claims: { iat } })), good, `${age}: ${iat - NOW}`)
    }
    for (const iat of [NOW - age - 0.5, NOW + ahead + 0.5]) {
      assert.equal((await judge(prove({ claims: { iat } }))).ok, false, `${age}: ${iat - NOW}`)
    }
  }
})

test('DP-4: only the algorithms of the config count', async () => {
  const { judge } = stage({ algorithms: ['PS256'] })
  const by = proverOf('RS256')
  const boundTo = { boundTo: by.jkt }
  const fault = invalid('an alg that is not accepted (dpop.algorithms)')
  assert.deepEqual(await judge(prove({}, by), {}, boundTo), fault)
  // RFC 8725 section 3.1: a key that fits both algorithms signs for the one that is named.
  assert.deepEqual(
    await judge(prove({ header: { alg: 'PS256' } }, by), {}, boundTo),
    invalid('a signature that is not by its jwk'),
  )
})

test('DP-10: a good proof by another key tells that key, and is not noted', async () => {
  const { judge, notes } = stage()
  assert.deepEqual(await judge(prove({}, mallory)), pass(mallory.jkt))
  assert.equal(notes.kept.size, 0)
})

test('DP-5, DP-10: the thumbprint told is never that of a key that did not sign', async () => {
  const { judge } = stage()
  // Kept by now.
  assert.deepEqual(await judge(prove()), good)
  const claims = exact({ jti: 'fresh' })
  const header = JSON.stringify({ alg: 'ES256', typ: 'dpop+jwt', jwk: alice.jwk })
  const forged = signCompact('ES256', mallory.privateKey, header, claims)
  assert.deepEqual(await judge(forged), invalid('a signature that is not by its jwk'))
})

test('DP-15: the same proof again is a replay, also with htu, jti or signature spelled in another way', async () => {
  const { judge } = stage()
  const claims = { jti: 'once', htu: URI }
  assert.deepEqual(await judge(prove({ claims })), good)
  for (const htu of [URI, 'HTTPS://API.test/orders/1', 'https://api.test:443/orders/1', `${URI}?x`]) {
    assert.deepEqual(await judge(prove({ claims: { ...claims, htu } })), replayed, htu)
  }
  const escaped = exact({ jti: 'once' }).replace('once', '\\u006fnce')
  assert.deepEqual(await judge(prove({ claims: escaped })), replayed)
})

test('DP-15: a fresh proof with the jti of another is a replay at the same URI, whatever the method', async () => {
  const { judge } = stage()
  const claims = { jti: 'once' }
  assert.deepEqual(await judge(prove({ claims })), good)
  assert.deepEqual(await judge(prove({ claims: { ...claims, iat: NOW - 1 } })), replayed)
  assert.deepEqual(await judge(prove({ claims, method: 'POST' }), { method: 'POST' }), replayed)
  const uri = 'https://api.test/orders/2'
  assert.deepEqual(await judge(prove({ claims, uri }), { uri }), good)
})

test('DP-15: a jti is unique for its client only: one does not burn that of another', async () => {
  const { judge } = stage()
  const claims = { jti: 'once' }
  assert.deepEqual(await judge(prove({ claims }, mallory), {}, { boundTo: mallory.jkt }), pass(mallory.jkt))
  assert.deepEqual(await judge(prove({ claims })), good)
})

test('DP-15: the parts of a replay key cannot be joined in another way', async () => {
  const { judge } = stage()
  const uri = 'https://api.test/a'
  assert.deepEqual(await judge(prove({ uri, claims: { jti: '/b' } }), { uri }), good)
  assert.deepEqual(await judge(prove({ uri: `${uri}/`, claims: { jti: 'b' } }), { uri: `${uri}/` }), good)
  assert.deepEqual(await judge(prove({ uri: `${uri}/b`, claims: { jti: '","' } }), { uri: `${uri}/b` }), good)
})

test('DP-15: a jti in a proof that is wrong in anything else is not burnt (attacks 1.11)', async () => {
  const { judge, notes } = stage({ nonces: createNonces(Buffer.alloc(32), 60_000) })
  const nonce = createNonces(Buffer.alloc(32), 60_000).current(NOW)
  const jti = 'guessed'
  const wrong: readonly string[] = [
    ...negatives.flatMap(([, , change]) => {
      if (typeof change.claims !== 'object' || 'jti' in change.claims) return []
      return [prove({ claims: { jti, nonce, ...change.claims } })]
    }),
    ...negatives.flatMap(([, , { header }]) =>
      header === undefined ? [] : [prove({ header, claims: { jti, nonce } })],
    ),
    prove({ claims: { jti } }),
    prove({ claims: { jti, nonce: 'foreign' } }),
    prove({ claims: { jti, nonce } }, mallory),
    prove({ claims: { jti, nonce } }).replace(/[^.]*$/, 'AAAA'),
  ]
  assert.ok(wrong.length > 40, String(wrong.length))
  for (const proof of wrong) await judge(proof)
  assert.equal(notes.kept.size, 0)
  assert.deepEqual(await judge(prove({ claims: { jti, nonce } })), good)
})

test('DP-15: a replay is found at another replica that shares the store, and after a restart', async () => {
  const first = stage()
  const second = stage({ notes: first.notes })
  const proof = prove()
  assert.deepEqual(await first.judge(proof), good)
  assert.deepEqual(await second.judge(proof), replayed)
  assert.deepEqual(await first.judge(proof), replayed)
  const alone = stage()
  assert.deepEqual(await alone.judge(proof), good)
})

test('DP-15: a note is kept as long as the proof could pass anywhere, and no longer', async () => {
  for (const age of [10, 60, 600]) {
    const ahead = Math.max(5, age / 10)
    for (const offset of [-age, -age / 2, 0, ahead]) {
      const { judge, notes, clock } = stage({ ageMs: age * 1000 })
      const proof = prove({ claims: { iat: NOW + offset } })
      assert.deepEqual(await judge(proof), good)
      const [left = 0] = notes.kept.values()
      assert.equal(left, (offset + age + ahead) * 1000)
      // To the last instant at which it is not too old it is a replay; after that it is too old.
      clock.advance((offset + age) * 1000)
      assert.deepEqual(await judge(proof), replayed, `${age} ${offset}`)
      clock.advance(ahead * 1000)
      assert.equal(notes.kept.size, 0)
      assert.deepEqual(await judge(proof), invalid('an iat too long ago (dpop.proof_age)'))
    }
  }
})

test('operations 5.1: what is noted is a hash of one length, with nothing of token, key or jti in it', async () => {
  const { judge, notes } = stage()
  await judge(prove({ claims: { jti: 'a' } }))
  await judge(prove({ claims: { jti: 'b'.repeat(256) } }))
  assert.equal(notes.kept.size, 2)
  for (const key of notes.kept.keys()) assert.match(key, /^ag:jti:[A-Za-z0-9_-]{43}$/)
})

const outages: readonly (readonly [string, Parameters<Notes['answer']>[0]])[] = [
  ['at once', () => ({ ok: false })],
  ['later', async () => ({ ok: false })],
  ['by breaking its promise', () => Promise.reject(new Error('of the store'))],
]
for (const [how, answer] of outages) {
  test(`DP-15: where the store fails ${how}, the proof is refused as nobody's fault, and that is counted`, async () => {
    const { judge, notes, degraded } = stage()
    notes.answer(answer)
    const unavailable = { reason: 'store_unavailable', operation: 'put_if_absent', retryAfterSeconds: 1 } as const
    assert.deepEqual(await judge(prove()), refuse(unavailable))
    assert.deepEqual(degraded, ['replay closed'])
    // It is not asked for proofs that are wrong anyway.
    assert.deepEqual(await judge(prove({ method: 'POST' })), invalid('an htm of another method'))
    assert.deepEqual(degraded, ['replay closed'])
    notes.answer(undefined)
    assert.deepEqual(await judge(prove()), good)
  })
}

test('a store that answers later gives the same answers later', async () => {
  const { judge, notes, degraded } = stage()
  for (const [value, expected] of [
    [true, good],
    [false, replayed],
  ] as const) {
    notes.answer(async () => ({ ok: true, value }))
    const answer = judge(prove())
    assert.ok(answer instanceof Promise)
    assert.deepEqual(await answer, expected)
  }
  assert.deepEqual(degraded, [])
})

test('DP-16, DP-17: with nonces on, only a proof with a nonce of this or the last window passes', async () => {
  const nonces = createNonces(Buffer.alloc(32, 1), 60_000)
  const { judge, clock } = stage({ nonces })
  const wanted = (fault: string, now = NOW) => refuse({ reason: 'nonce_required', nonce: nonces.current(now), fault })
  const foreign = createNonces(Buffer.alloc(32, 2), 60_000).current(NOW)
  assert.deepEqual(await judge(prove()), wanted('none'))
  assert.deepEqual(await judge(prove({ claims: { nonce: 1 } })), wanted('none'))
  assert.deepEqual(await judge(prove({ claims: { nonce: '' } })), wanted('one that is too old or not ours'))
  assert.deepEqual(await judge(prove({ claims: { nonce: foreign } })), wanted('one that is too old or not ours'))
  const nonce = nonces.current(NOW)
  assert.deepEqual(await judge(prove({ claims: { nonce } })), good)
  clock.advance(60_000)
  assert.deepEqual(await judge(prove({ now: NOW + 60, claims: { nonce } })), good)
  clock.advance(60_000)
  assert.deepEqual(
    await judge(prove({ now: NOW + 120, claims: { nonce } })),
    wanted('one that is too old or not ours', NOW + 120),
  )
})

test('DP-8, DP-14: with nonces on, what else is wrong is told first, and iat counts as without', async () => {
  const nonces = createNonces(Buffer.alloc(32, 1), 60_000)
  const { judge } = stage({ nonces })
  const nonce = nonces.current(NOW)
  const old = invalid('an iat too long ago (dpop.proof_age)')
  assert.deepEqual(await judge(prove({ claims: { nonce, iat: NOW - 3600 } })), old)
  assert.deepEqual(await judge(prove({ claims: { iat: NOW - 3600 } })), old)
})

test('hard inputs: any change of one character in a good proof is refused', async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.,= '
  for (const alg of ['ES256', 'EdDSA', 'RS256'] as const) {
    const by = proverOf(alg)
    const { judge, notes } = stage()
    const proof = prove({}, by)
    await fc.assert(
      fc.asyncProperty(fc.nat(proof.length - 1), fc.constantFrom(...alphabet), async (at, character) => {
        fc.pre(proof[at] !== character)
        const changed = `${proof.slice(0, at)}${character}${proof.slice(at + 1)}`
        const outcome = await judge(changed, {}, { boundTo: by.jkt })
        assert.equal(!outcome.ok && outcome.refusal.reason, 'proof_invalid')
      }),
      { numRuns: 500 },
    )
    assert.equal(notes.kept.size, 0)
    assert.deepEqual(await judge(proof, {}, { boundTo: by.jkt }), pass(by.jkt))
  }
})

test('hard inputs: nothing throws or costs more than its length, and no fault holds anything of the proof', async () => {
  const { judge } = stage()
  const deep = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels)
  const long = generateKeyPairSync('rsa', { modulusLength: 4096 }).publicKey.export({ format: 'jwk' })
  const secret = 'PRIVATE'
  const hard: Readonly<Record<string, () => string>> = {
    'deep claims': () => prove({ claims: deep('{"a":', '}', 100_000) }),
    'deep claims in 8 KiB': () => prove({ claims: deep('[', ']', 2700) }),
    'deep header in 8 KiB': () => prove({ header: deep('{"a":', '}', 900) }),
    'deep jwk': () => prove({ header: { jwk: JSON.parse(deep('[', ']', 30)) } }),
    'a huge proof': () => 'a'.repeat(1_000_000),
    'many dots': () => '.'.repeat(8192),
    'many names': () => prove({ claims: `{${Array.from({ length: 900 }, (_, at) => `"${at}":1`).join()}}` }),
    'a huge kid': () => prove({ header: { kid: secret.repeat(500) } }),
    'a huge htu': () => prove({ claims: { htu: `https://api.test/${'%41/'.repeat(900)}` } }),
    'a huge ath': () => prove({ claims: { ath: secret.repeat(400) } }),
    'a huge n': () => prove({ header: { alg: 'RS256', jwk: { kty: 'RSA', e: 'AQAB', n: 'f'.repeat(4000) } } }),
    'a huge e': () => prove({ header: { alg: 'RS256', jwk: { kty: 'RSA', n: long.n, e: long.n } } }),
    'a long key': () => prove({ header: { alg: 'RS256', jwk: long } }),
    'a huge x': () => prove({ header: { jwk: { ...alice.jwk, x: 'f'.repeat(4000) } } }),
    'a constructor': () => prove({ header: { jwk: { kty: 'EC', constructor: secret, toString: secret } } }),
  }
  for (const [name, make] of Object.entries(hard)) {
    const proof = make()
    const cost = await cpuCost(250, () => judge(proof))
    assert.ok(cost < 250, `${name}: ${cost} ms`)
    const outcome = await judge(proof)
    assert.equal(outcome.ok ? '' : outcome.refusal.reason, 'proof_invalid', name)
    assert.doesNotMatch(JSON.stringify(outcome), /PRIVATE|[A-Za-z0-9_-]{30}/, name)
  }
})

test('hard inputs: whatever the field holds is refused, and nothing throws', async () => {
  const { judge } = stage()
  const json = fc.json({ maxDepth: 3 })
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), json), fc.oneof(fc.string(), json), async (header, claims) => {
      assert.equal((await judge(header)).ok, false)
      assert.equal((await judge(signCompact('ES256', alice.privateKey, header, claims))).ok, false)
      assert.equal((await judge(prove({ claims }))).ok, false)
    }),
    { numRuns: 300 },
  )
})

test('DP-15: where a reload makes proofs good for longer, one that was used is not good again, and a later one is', async () => {
  const clock = createManualClock(NOW * 1000)
  const notes = createNotes(clock.now)
  const dependencies = { store: notes, nonces: undefined, events: { degraded: () => assert.fail() } }
  type Since = Parameters<typeof createProofVerifier>[2]
  const verifier = (age: number, since?: Since) =>
    createProofVerifier({ ageMs: age * 1000, algorithms: PROVER_ALGS }, dependencies, since)
  const seconds = () => clock.now() / 1000
  const next = (age: number, { window }: ReturnType<typeof verifier>) =>
    verifier(age, { before: window, at: seconds() })
  const judge = ({ prove: judged }: ReturnType<typeof verifier>, proof: string) =>
    judged({ proofs: [proof], method: 'GET', uri: URI }, TOKEN, alice.jkt, seconds())
  const fresh = () => prove({ now: seconds() })
  const tooOld = invalid('an iat too long ago (dpop.proof_age)')

  const first = verifier(5)
  const early = fresh()
  assert.deepEqual(judge(first, early), good)
  clock.advance(13_000)
  const late = fresh()
  assert.deepEqual(judge(first, late), good)
  const second = next(60, first)
  // Forgotten before the reload, and remembered at the reload but not for so long.
  assert.deepEqual([judge(second, early), judge(second, late)], [tooOld, replayed])
  clock.advance(11_000)
  const behind = fresh()
  // A request that began on the config before notes as that one did.
  assert.deepEqual(judge(first, behind), good)
  clock.advance(11_000)
  for (const proof of [early, late, behind]) assert.deepEqual(judge(second, proof), tooOld)
  // The shortest time counts on, over a reload that changes something else and one that makes it longer still.
  const third = next(300, next(60, second))
  for (const proof of [early, late, behind]) assert.deepEqual(judge(third, proof), tooOld)
  clock.advance(67_000)
  const settled = fresh()
  clock.advance(299_000)
  assert.deepEqual([judge(third, settled), judge(third, settled)], [good, replayed])
  // A shorter time counts at once.
  assert.deepEqual(judge(next(60, third), settled), tooOld)
})
