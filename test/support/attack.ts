import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { configOf, startGateway, type TestGateway } from './gateway.ts'
import { issuerYaml, liveToken } from './orders.ts'
import { type RawAnswer, requestBytes, sendRaw, wholeAnswer } from './raw-http.ts'
import { type Spy, type SpyAnswer, startSpy } from './spy.ts'

/** The stage of an attack: two routes, one spy behind them, and an attacker whose token has `read` only. */
export interface Attack extends TestGateway {
  readonly spy: Spy
  /** A token for this resource; claims given replace. Without any: scope `read`. */
  token(claims?: Readonly<Record<string, unknown>>): string
  /** Sends one request, with `Host` and the attacker's token unless lines name those fields. */
  send(first: string, lines?: readonly string[], content?: string): Promise<RawAnswer>
}

export interface AttackOptions {
  /** Members of the upstream entry. */
  readonly entry?: Readonly<Record<string, unknown>>
  readonly listen?: Readonly<Record<string, unknown>>
  readonly extra?: string
  readonly answer?: SpyAnswer
  readonly issuers?: string
  /** Base path of the upstream. */
  readonly base?: string
}

export const GW = 'https://gw.test'

export const startAttack = async (
  t: TestContext,
  { entry = {}, listen = {}, extra = '', answer, issuers = issuerYaml(), base = '' }: AttackOptions = {},
): Promise<Attack> => {
  const spy = await startSpy(t, answer)
  const routes = { '/public/**': 'read', '/admin/**': 'admin' }
  const map = { [spy.url + base]: { resource: GW, name: 'gw', routes, ...entry } }
  const stage = await startGateway(t, `${issuers}upstreams: ${JSON.stringify(map)}\n${extra}`, listen)
  const token = (claims: Readonly<Record<string, unknown>> = {}): string =>
    liveToken({ aud: GW, scope: 'read', ...claims })
  const attackers = token()
  const send: Attack['send'] = (first, lines = [], content = '') => {
    const named = (name: string): boolean => lines.some((line) => line.toLowerCase().startsWith(`${name}:`))
    const head = [
      `${first} HTTP/1.1`,
      ...(named('host') ? [] : ['Host: gw.test']),
      ...(named('authorization') ? [] : [`Authorization: Bearer ${attackers}`]),
      ...lines.filter((line) => line !== 'Authorization:'),
    ]
    return sendRaw(stage.port, requestBytes(head, content), { until: wholeAnswer, quietMs: 4000 })
  }
  return { ...stage, spy, token, send }
}

/** The member `reason` of a refusal's body; `''` when there is none. */
export const reasonOf = ({ text }: RawAnswer): string => /"reason":"([a-z_]+)"/.exec(text)?.[1] ?? ''

/** None of these targets is forwarded; a plain one is, so the stage is alive. */
export const refusesTargets = (
  name: string,
  targets: readonly string[],
  options: AttackOptions & { readonly first?: string } = {},
): void => {
  test(name, async (t) => {
    const attack = await startAttack(t, options)
    for (const target of targets) {
      const answer = await attack.send(`GET ${target}`)
      assert.equal(answer.status, 400, `${target}: ${answer.text.slice(0, 60)}`)
      assert.match(reasonOf(answer), /^(?:target|request)_malformed$/, target)
    }
    assert.equal(attack.spy.connections(), 0)
    const good = options.first ?? '/public/a'
    assert.equal((await attack.send(`GET ${good}`)).status, 200)
  })
}

/** Each token is refused with 401 and the reason beside it, and the upstream is not contacted. */
export const refusesTokens = (
  name: string,
  tokens: (attack: Attack) => readonly (readonly [token: string, reason: string])[],
  options: AttackOptions = {},
): void => {
  test(name, async (t) => {
    const attack = await startAttack(t, options)
    for (const [token, reason] of tokens(attack)) {
      const answer = await attack.send('GET /public/a', [`Authorization: Bearer ${token}`])
      assert.deepEqual([answer.status, reasonOf(answer)], [401, reason], token.slice(0, 300))
    }
    assert.equal(attack.spy.connections(), 0)
    assert.equal((await attack.send('GET /public/a')).status, 200)
  })
}

/** `Connection` cannot take away what the gateway adds: refused, whatever the spelling, and nothing goes on. */
export const refusesNominations = (name: string, connections: readonly (readonly string[])[]): void => {
  test(name, async (t) => {
    const attack = await startAttack(t, { entry: { identity_headers: { 'X-Auth-Subject': 'sub' } } })
    for (const lines of connections) {
      const answer = await attack.send('GET /public/a', lines)
      assert.deepEqual([answer.status, reasonOf(answer)], [400, 'request_malformed'], `${lines}`)
    }
    assert.equal(attack.spy.connections(), 0)
  })
}

/** What the client sends in these lines reaches the upstream in no form; `mark` is what it would be known by. */
export const removesFields = (
  name: string,
  lines: readonly string[],
  { mark = 'forged', ...options }: AttackOptions & { readonly mark?: string } = {},
): void => {
  test(name, async (t) => {
    const attack = await startAttack(t, {
      entry: {
        identity_headers: { 'X-Auth-Subject': 'sub', 'X-Auth-Nickname': 'nickname' },
        routes: { '/public/**': 'read', '/open/**': 'public' },
      },
      ...options,
    })
    for (const first of ['GET /public/a', 'GET /open/a', 'OPTIONS /open/a', 'POST /public/a']) {
      assert.equal((await attack.send(first, lines)).status, 200)
    }
    assert.equal(attack.spy.requests.length, 4)
    assert.ok(!attack.spy.bytes().includes(mark))
    for (const { fields } of attack.spy.requests) for (const [field] of fields) assert.match(field, /^[A-Za-z0-9-]+$/)
  })
}

/** None of these configs loads. */
export const refusesConfigs = (name: string, entries: readonly Readonly<Record<string, unknown>>[]): void => {
  test(name, () => {
    for (const entry of entries) {
      const yaml = `${issuerYaml()}upstreams: ${JSON.stringify({ 'http://127.0.0.1:1': entry })}`
      assert.throws(() => configOf(yaml), JSON.stringify(entry))
    }
    assert.ok(configOf(`${issuerYaml()}upstreams: ${JSON.stringify({ 'http://127.0.0.1:1': { resource: GW } })}`))
  })
}
