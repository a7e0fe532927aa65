import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRaw } from '../support/raw-http.ts'
import { sendInPieces } from '../support/raw-pieces.ts'
import { startSpied } from '../support/spy.ts'

/** Writes the requests of one row, whose paths are its own. */
const writer = (row: number, authorization: string) => {
  const request = (method: string, path: string, lines: readonly string[], content = ''): string =>
    [`${method} /orders/${row}${path} HTTP/1.1`, 'Host: gw.test', ...lines, '', content].join('\r\n')
  const smuggled = request('GET', '/smuggled', [authorization])
  return {
    smuggled,
    good: (path: string, ...lines: readonly string[]) => request('GET', path, [authorization, ...lines]),
    bare: (path: string, ...lines: readonly string[]) => request('GET', path, lines),
    /** Has a request as its content, by length or in one chunk. */
    loaded: (method: string, path: string, ...lines: readonly string[]) =>
      request(method, path, [...lines, `Content-Length: ${smuggled.length}`], smuggled),
    chunked: (method: string, path: string, ...lines: readonly string[]) =>
      request(
        method,
        path,
        [...lines, 'Transfer-Encoding: chunked'],
        `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
      ),
    authorization,
  }
}

type Writer = ReturnType<typeof writer>

const close = 'Connection: close'

/**
 * What is sent, the statuses that come back until the end of the connection as a pattern, and the paths that the upstream
 * sees. A fault that the parser finds while an answer is owed ends the connection behind that, without one of its own.
 */
const rows: readonly (readonly [
  name: string,
  send: (w: Writer) => readonly string[],
  statuses: string,
  seen: string,
])[] = [
  [
    '2.4 row 5: each has its own credential',
    (w) => [w.good('/a'), w.bare('/b'), w.good('/c', close)],
    '200 401 200',
    '/a /c',
  ],
  [
    'a broken one behind others ends it',
    (w) => [w.good('/a'), w.bare('/b'), w.bare('/c', 'X : y'), w.good('/d')],
    '200 401( 400)?',
    '/a',
  ],
  [
    'H1-6: so does an unknown method',
    (w) => [w.good('/a'), w.good('/b').replace('GET', 'POUET'), w.good('/c')],
    '200( 501)?',
    '/a',
  ],
  ['H1-1: so do two Hosts', (w) => [w.good('/a'), w.good('/b', 'Host: gw.test'), w.good('/c')], '200 400', '/a'],
  ['H1-4: so does an odd target', (w) => [w.good('/a'), w.good('//b'), w.good('/c')], '200 400', '/a'],
  [
    'HS-3: so does a nomination',
    (w) => [w.good('/a'), w.good('/b', 'Connection: cookie'), w.good('/c')],
    '200 400',
    '/a',
  ],
  [
    'H1-7: so do a length and a coding',
    (w) => [w.good('/a'), w.loaded('POST', '/b', w.authorization, 'Transfer-Encoding: chunked')],
    '200( 400)?',
    '/a',
  ],
  [
    'H1-10: so does a coding in HTTP/1.0',
    (w) => [w.good('/a'), w.chunked('POST', '/b', w.authorization).replace('HTTP/1.1', 'HTTP/1.0')],
    '200( 400)?',
    '/a',
  ],
  [
    'H1-28: so does CONNECT',
    (w) => [w.good('/a'), 'CONNECT gw.test:80 HTTP/1.1\r\nHost: gw.test\r\n\r\n', w.good('/b')],
    '200( 501)?',
    '/a',
  ],
  ['H1-23: nothing stands behind Connection: close', (w) => [w.good('/a', close), w.good('/b')], '200', '/a'],
  ['H1-23: nor behind that of a refused one', (w) => [w.bare('/a', close), w.good('/b')], '401', ''],
  ['H1-23: nor behind HTTP/1.0', (w) => [w.good('/a').replace('HTTP/1.1', 'HTTP/1.0'), w.good('/b')], '200', '/a'],
  [
    'HS-7: TRACE between others',
    (w) => [w.good('/a'), w.good('/b').replace('GET', 'TRACE'), w.good('/c', close)],
    '200 405 200',
    '/a /c',
  ],
  [
    'HS-19: another host between others',
    (w) => [w.good('/a'), w.good('/b').replace('gw.test', 'evil.test'), w.good('/c', close)],
    '200 421 200',
    '/a /c',
  ],
  [
    'H1-27: content of GET is content',
    (w) => [w.loaded('GET', '/a', w.authorization), w.good('/b', close)],
    '200 200',
    '/a /b',
  ],
  [
    'H1-27: so are its chunks',
    (w) => [w.chunked('GET', '/a', w.authorization), w.good('/b', close)],
    '200 200',
    '/a /b',
  ],
  [
    'H1-27: so is that of OPTIONS',
    (w) => [w.loaded('OPTIONS', '/a', w.authorization), w.good('/b', close)],
    '200 200',
    '/a /b',
  ],
  ['H1-19: so is that of a refused one', (w) => [w.loaded('POST', '/a'), w.good('/b', close)], '401 200', '/b'],
  ['H1-19: chunks of a refused one end it', (w) => [w.chunked('POST', '/a'), w.good('/b')], '401', ''],
  [
    'H1-19: behind a length of nothing it is a request',
    (w) => [w.good('/a', 'Content-Length: 0'), w.bare('/b'), w.good('/c', close)],
    '200 401 200',
    '/a /c',
  ],
  [
    'RFC 9112 2.2: empty lines between them',
    (w) => [w.good('/a'), '\r\n\r\n', w.good('/b', close)],
    '200 200',
    '/a /b',
  ],
  [
    'HEAD has no content that would shift the rest',
    (w) => [w.good('/a').replace('GET', 'HEAD'), w.good('/b', close)],
    '200 200',
    '/a /b',
  ],
]

for (const [how, send] of [
  ['in one go', (port: number, bytes: Buffer, _whole: string) => sendRaw(port, bytes, { quietMs: 3000 })],
  ['octet by octet', (port: number, bytes: Buffer, whole: string) => sendInPieces(port, bytes, whole, 3000)],
] as const) {
  test(`H1-19, H1-23, H1-27, 2.4 row 5: requests of one connection are judged one by one, ${how}`, async (t) => {
    const stage = await startSpied(t, { entry: { at: 'https://gw.test/orders' } })
    const results = await Promise.all(
      rows.map(async ([name, write], row) => {
        const bytes = Buffer.from(write(writer(row, stage.authorization)).join(''), 'latin1')
        const { text, closed } = await send(stage.port, bytes, stage.authorization)
        const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status).join(' ')
        const targets = stage.spy.requests.map(({ line }) => line.split(' ')[1] ?? '')
        const seen = targets
          .filter((target) => target.startsWith(`/${row}/`))
          .map((target) => target.slice(`/${row}`.length))
        return { name, statuses, seen: seen.join(' '), closed }
      }),
    )
    for (const [row, { name, statuses, seen, closed }] of results.entries()) {
      const [, , pattern = '', paths] = rows[row] ?? []
      assert.match(statuses, new RegExp(`^${pattern}$`), name)
      assert.deepEqual({ name, seen, closed }, { name, seen: paths, closed: true })
    }
    assert.ok(!stage.spy.requests.some(({ line }) => line.includes('smuggled')))
  })
}
