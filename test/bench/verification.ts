import {
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  randomUUID,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compactVerify } from 'jose'
import { pass } from '../../src/decision/refusal.ts'
import { createTokenVerifier } from '../../src/token/index.ts'
import { checkSignature, checkSignatureAside, isSlowToCheck } from '../../src/token/signature.ts'
import {
  base64url,
  createKey,
  goodClaims,
  issuerKeys,
  mint,
  NOW,
  publicKeyOf,
  type TestAlg,
  trustedIssuer,
} from '../support/tokens.ts'
import { quantile, ratioTo } from './table.ts'

/** One algorithm, and the cheapest correct check of it that Node offers: parts decoded beforehand, nothing else looked at. */
interface Subject {
  readonly alg: string
  readonly key: KeyObject
  readonly token: (jti: string) => string
  readonly bare: (input: Buffer, signature: Buffer) => boolean
  readonly perRound: number
}

const engine: Readonly<Record<string, readonly [string | null, object]>> = {
  RS256: ['sha256', {}],
  PS256: ['sha256', { padding: 6, saltLength: 32 }],
  ES256: ['sha256', { dsaEncoding: 'ieee-p1363' }],
  ES384: ['sha384', { dsaEncoding: 'ieee-p1363' }],
  ES512: ['sha512', { dsaEncoding: 'ieee-p1363' }],
  EdDSA: [null, {}],
}

const signed = (alg: TestAlg): Subject => {
  const testKey = createKey(alg, alg)
  const key = publicKeyOf(testKey.jwk)
  const [digest, options] = engine[alg] ?? [null, {}]
  return {
    alg,
    key,
    token: (jti) => mint({ key: testKey, claims: { jti } }),
    bare: (input, signature) => verify(digest, input, { key, ...options }, signature),
    perRound: isSlowToCheck(key) ? 150 : 1000,
  }
}

const maced = (): Subject => {
  const key = createSecretKey(randomBytes(32))
  const mac = (input: string | Buffer): Buffer => createHmac('sha256', key).update(input).digest()
  return {
    alg: 'HS256',
    key,
    token: (jti) => {
      const parts = [{ alg: 'HS256', typ: 'at+jwt' }, goodClaims({ jti })]
      const input = parts.map((part) => base64url(JSON.stringify(part))).join('.')
      return `${input}.${base64url(mac(input))}`
    },
    bare: (input, signature) => timingSafeEqual(mac(input), signature),
    perRound: 1000,
  }
}

const warming = 5

/** What one way leaves behind is not for the next one to pay. */
const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

const measure = async ({ alg, key, token, bare, perRound }: Subject, rounds: number): Promise<string> => {
  const costs = new Map<string, number[]>()
  const round = async (name: string, tokens: readonly string[], prove: (token: string, index: number) => unknown) => {
    collectGarbage()
    const before = process.cpuUsage()
    for (const [index, each] of tokens.entries()) {
      const proven = prove(each, index)
      if ((proven instanceof Promise ? await proven : proven) !== true) throw new Error(`${alg}: ${name} said no`)
    }
    const { user, system } = process.cpuUsage(before)
    const own = costs.get(name) ?? []
    costs.set(name, own)
    own.push((user + system) / tokens.length)
  }

  const keys = await issuerKeys([])
  keys.answer(() => pass(key))
  for (let count = 0; count < rounds + warming; count++) {
    // As they come from a socket: strings that nothing has looked at yet.
    const tokens = Array.from({ length: perRound }, () => Buffer.from(token(randomUUID())).toString('latin1'))
    const parts = tokens.map((each): readonly [Buffer, Buffer] => {
      const dot = each.lastIndexOf('.')
      return [Buffer.from(each.slice(0, dot)), Buffer.from(each.slice(dot + 1), 'base64url')]
    })
    const verifier = createTokenVerifier({
      issuers: [trustedIssuer(keys, { token: { algorithms: [alg] } })],
      tokenSize: 8192,
      cache: 1 << 26,
      events: { cache: () => undefined, validated: () => undefined },
    })
    const ways: readonly (readonly [string, (token: string, index: number) => unknown])[] = [
      ['bare', (_, index) => bare(...(parts[index] ?? [Buffer.alloc(0), Buffer.alloc(0)]))],
      [
        'signature',
        (each) => (isSlowToCheck(key) ? checkSignatureAside(each, alg, key) : checkSignature(each, alg, key)),
      ],
      [
        'whole',
        (each) => {
          const outcome = verifier.verify(each, ['main'], NOW)
          return outcome instanceof Promise ? outcome.then(({ ok }) => ok) : outcome.ok
        },
      ],
      ['jose', (each) => compactVerify(each, key, { algorithms: [alg] }).then(() => true)],
    ]
    // Each round begins with another way, so that none always comes behind the same neighbour.
    for (const index of ways.keys()) {
      const [name, prove] = ways[(index + count) % ways.length] ?? []
      if (name !== undefined && prove !== undefined) await round(name, tokens, prove)
    }
  }

  const of = (name: string): readonly number[] => costs.get(name)?.slice(warming) ?? []
  const cells = ['signature', 'whole', 'jose'].map(
    (name) => `${quantile(of(name), 0.5).toFixed(1)} (${ratioTo(of('bare'), of(name)).toFixed(2)} ×)`,
  )
  return `| ${[alg, quantile(of('bare'), 0.5).toFixed(1), ...cells].join(' | ')} |`
}

/**
 * What the proof of a token that was not seen before costs over the bare check of its signature: CPU time of all threads,
 * in this process, all ways in turn. `signature step`: from the text of the token to the verdict on its signature;
 * `whole verification`: the rest of the reading and judging too, and its place in the cache.
 */
export const benchVerification = async (rounds: number): Promise<void> => {
  console.log(
    `CPU µs per token never seen before, and how many times the bare check that is. Node ${process.version}.\n`,
  )
  console.log('| algorithm | bare check | signature step | whole verification | jose.compactVerify |')
  console.log('| --- | ---: | ---: | ---: | ---: |')
  for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const) {
    console.log(await measure(signed(alg), rounds))
  }
  console.log(await measure(maced(), rounds))
}
