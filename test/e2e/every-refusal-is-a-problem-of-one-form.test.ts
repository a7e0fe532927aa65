import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { test } from 'node:test'
import { jsonOf } from '../support/json.ts'
import { startSpied } from '../support/spy.ts'

const cases: readonly (readonly [path: string, method: string, token: 'none' | 'good' | 'bad', status: number])[] = [
  ['/orders/1', 'GET', 'none', 401],
  ['/orders/1', 'GET', 'bad', 401],
  ['/orders/denied', 'GET', 'good', 403],
  ['/orders/scoped', 'GET', 'good', 403],
  ['/nowhere', 'GET', 'none', 404],
  ['/orders/only-get', 'PUT', 'good', 405],
  ['/orders//1', 'GET', 'good', 400],
  ['/orders/broken', 'GET', 'good', 502],
]

const entry = {
  routes: {
    '/denied': 'deny',
    '/scoped': { scopes: 'orders:admin' },
    'GET /only-get': 'authenticated',
    '/**': 'authenticated',
  },
}

test('ER-6, ER-7, ER-8, HS-29: it says its status, its title and its reason, agrees with the challenge, and varies by nothing', async (t) => {
  const stage = await startSpied(t, { entry, answer: () => 'no HTTP\r\n\r\n' })
  const ask = (path: string, method: string, token: 'none' | 'good' | 'bad', more: Record<string, string> = {}) =>
    fetch(`${stage.url}${path}`, {
      method,
      headers: {
        ...(token === 'none' ? {} : { authorization: `Bearer ${token === 'good' ? stage.token() : 'x.y.z'}` }),
        ...more,
      },
    })
  for (const [path, method, token, status] of cases) {
    const answer = await ask(path, method, token)
    assert.equal(answer.status, status, path)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.equal(answer.headers.get('vary'), null)
    const body = await jsonOf(answer)
    assert.deepEqual(Object.keys(body), ['type', 'title', 'status', 'detail', 'reason', 'instance'])
    assert.equal(body.status, status)
    // RFC 9457 section 4.2.1: the title of `about:blank` is the phrase of the status.
    assert.equal(body.type, 'about:blank')
    assert.equal(body.title, STATUS_CODES[status])
    assert.equal(body.instance, answer.headers.get('x-request-id'))
    const challenge = answer.headers.get('www-authenticate')
    assert.equal(challenge !== null, status === 401 || body.reason === 'scope_insufficient', path)
    if (challenge !== null && token !== 'none')
      assert.ok(challenge.includes(`error_description="${body.detail}"`), challenge)
    assert.doesNotMatch(JSON.stringify(body), /127\.0\.0\.1|x\.y\.z|node:|\.ts/)

    const head = method === 'GET' ? await ask(path, 'HEAD', token) : undefined
    if (head) {
      assert.equal(head.status, status)
      assert.equal(head.headers.get('content-type'), 'application/problem+json')
      assert.equal(await head.text(), '')
    }
    // Nothing that an answer could depend on without saying so in `Vary`.
    const elsewhere = await ask(path, method, token, {
      origin: 'https://app.test',
      accept: 'text/html',
      'accept-language': 'de',
    })
    const { instance: _, ...other } = await jsonOf(elsewhere)
    const { instance: __, ...same } = body
    assert.deepEqual(other, same)
    assert.equal(elsewhere.headers.get('vary'), null)
    assert.equal(elsewhere.headers.get('content-type'), 'application/problem+json')
  }
})

test('HS-28, HS-29: digests, signatures and `Vary` pass in both directions, and none is made up', async (t) => {
  const signed = {
    'content-digest': 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
    'signature-input': 'sig1=("@method" "content-digest");created=1618884473;keyid="k"',
    signature: 'sig1=:K2qGT5srn2OGbOIDzQ6kYT+ruaycnDAAUpKv+ePFfD0=:',
  }
  const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}\r\n`)
  for (const vary of ['', 'Vary: Accept, Origin\r\n', 'Vary: Accept-Encoding\r\nVary: Origin\r\n']) {
    const stage = await startSpied(t, {
      answer: () => `HTTP/1.1 200 OK\r\n${lines.join('')}${vary}Content-Length: 2\r\n\r\nok`,
    })
    const answer = await fetch(`${stage.url}/orders/1`, {
      headers: { authorization: `Bearer ${stage.token()}`, ...signed },
    })
    const [seen] = stage.spy.requests
    for (const [name, value] of Object.entries(signed)) {
      assert.deepEqual(seen?.values(name), [value])
      assert.equal(answer.headers.get(name), value)
    }
    const expected = [...vary.matchAll(/Vary: ([^\r]*)/g)].map(([, value]) => value).join(', ')
    assert.equal(answer.headers.get('vary') ?? '', expected)
  }
})
