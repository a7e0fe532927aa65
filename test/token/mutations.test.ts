import assert from 'node:assert/strict'
import { createHmac, createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { pass } from '../../src/decision/refusal.ts'
import { cpuCost } from '../support/cpu-cost.ts'
import { base64url, createKey, goodClaims, mint, NOW, type TestAlg } from '../support/tokens.ts'
import { createVerifying, reasonOf, type Verifying } from '../support/verifying.ts'

/** A good token, and the word for any other. */
interface Stage {
  readonly token: string
  readonly judge: (token: string) => Promise<string>
}

/** No verdict costs more; the check of a signature is below 2 ms for every algorithm. */
const LIMIT_MS = 250

const judgeOf =
  ({ verifier }: Verifying) =>
  async (token: string): Promise<string> => {
    let found = ''
    const ms = await cpuCost(LIMIT_MS, async () => {
      found = reasonOf(await verifier.verify(token, ['main'], NOW))
    })
    assert.ok(ms < LIMIT_MS, `${ms} ms for ${found}`)
    return found
  }

const signedWith = async (alg: TestAlg): Promise<Stage> => {
  const key = createKey(alg, 'k1')
  return { token: mint({ key }), judge: judgeOf(await createVerifying({ keys: [key] })) }
}

const macedWith = async (alg: 'HS256'): Promise<Stage> => {
  const secret = createSecretKey(Buffer.alloc(32, 'secret'))
  const verifying = await createVerifying({ keys: [], token: { algorithms: [alg] } })
  verifying.keys.answer(() => pass(secret))
  const input = `${base64url(JSON.stringify({ alg, typ: 'at+jwt' }))}.${base64url(JSON.stringify(goodClaims()))}`
  const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  return { token, judge: judgeOf(verifying) }
}

const stages: Readonly<Record<string, () => Promise<Stage>>> = {
  RS256: () => signedWith('RS256'),
  PS256: () => signedWith('PS256'),
  ES256: () => signedWith('ES256'),
  ES384: () => signedWith('ES384'),
  ES512: () => signedWith('ES512'),
  EdDSA: () => signedWith('EdDSA'),
  HS256: () => macedWith('HS256'),
}

/** Whatever is wrong, it is the token: never a verdict that is ours to answer for, and never a pass. */
const clientsFault: ReadonlySet<string> = new Set([
  'token_malformed',
  'token_opaque',
  'decryption_failed',
  'signature_invalid',
  'algorithm_refused',
  'token_type_wrong',
  'key_unknown',
  'issuer_untrusted',
  'claim_missing',
])

/** The token as the bytes that are sent, with one bit of one byte turned. */
const turned = (token: string, bit: number): string => {
  const at = bit >> 3
  const code = token.charCodeAt(at) ^ (1 << (bit & 7))
  return token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1)
}

/** One bit of what a part stands for, in its one right spelling, so that it comes past every check of the syntax. */
const turnedWithin = (token: string, part: number, bit: number): string => {
  const parts = token.split('.')
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  const at = (bit >> 3) % bytes.length
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
  return parts.with(part, bytes.toString('base64url')).join('.')
}

for (const [alg, start] of Object.entries(stages)) {
  // The slow ones are sampled below; for the others every bit there is.
  if (alg !== 'ES384' && alg !== 'ES512') {
    test(`AT-7: ${alg}: the turn of any single bit of the string is refused`, async () => {
      const { token, judge } = await start()
      assert.equal(await judge(token), 'none')
      for (let bit = 0; bit < token.length * 8; bit++) {
        const found = await judge(turned(token, bit))
        assert.ok(clientsFault.has(found), `bit ${bit}: ${found}`)
      }
      assert.equal(await judge(token), 'none')
    })
  }

  test(`AT-7: ${alg}: the turn of any single bit of signature, claims or header is refused, spelled as it should be`, async () => {
    const { token, judge } = await start()
    const property = fc.asyncProperty(fc.nat(2), fc.nat(8 * 4096), fc.boolean(), async (part, bit, within) => {
      const changed = within ? turnedWithin(token, part, bit) : turned(token, bit % (token.length * 8))
      const found = await judge(changed)
      assert.ok(clientsFault.has(found), `${part} ${bit}: ${found}`)
    })
    await fc.assert(property, { numRuns: 400 })
    assert.equal(await judge(token), 'none')
  })

  test(`AT-7: ${alg}: every bit of the signature counts`, async () => {
    const { token, judge } = await start()
    const bits = Buffer.from(token.split('.')[2] ?? '', 'base64url').length * 8
    // A P-521 signature begins with bits that are always zero; those are judged too.
    const step = bits > 1024 ? 7 : 1
    for (let bit = 0; bit < bits; bit += step) {
      assert.equal(await judge(turnedWithin(token, 2, bit)), 'signature_invalid', `bit ${bit}`)
    }
  })

  test(`AT-7: ${alg}: parts taken, doubled or exchanged, and pieces put elsewhere, are refused`, async () => {
    const { token, judge } = await start()
    const parts = token.split('.')
    const place = fc.nat(token.length)
    const moved = fc
      .tuple(place, fc.nat(40), place, place)
      .map(([at, gone, from, to]) => token.slice(0, at) + token.slice(from, to) + token.slice(at + gone))
    const ordered = fc.shuffledSubarray([...parts, ...parts], { minLength: 1 }).map((some) => some.join('.'))
    await fc.assert(
      fc.asyncProperty(fc.oneof(moved, ordered), async (changed) => {
        fc.pre(changed !== token)
        const found = await judge(changed)
        assert.ok(clientsFault.has(found), found)
      }),
      { numRuns: 200 },
    )
  })
}
