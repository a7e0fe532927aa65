import { type AcceptedCase, host, lines } from './raw-case.ts'

interface Told {
  readonly method?: string
  readonly target?: string
  readonly version?: string
  /** The `Host` line, and field lines behind the credential. */
  readonly host?: string
  readonly sent?: readonly string[]
  readonly content?: string
  /** What stands before the request line. */
  readonly before?: string
  /** What the upstream sees, where that is not the same. */
  readonly suffix?: string
  readonly fields?: readonly string[]
  readonly body?: string
  readonly framing?: string
  readonly ends?: boolean
}

const good = (name: string, told: Told): AcceptedCase => {
  const { method = 'GET', target = '/orders{path}', version = 'HTTP/1.1', sent = [], content = '', before = '' } = told
  const { fields = sent, body = '', framing = '', ends = version !== 'HTTP/1.1', suffix = '{path}' } = told
  return {
    name,
    bytes: before + lines([`${method} ${target} ${version}`, told.host ?? host, '{auth}', ...sent], content),
    line: `${method} ${suffix} HTTP/1.1`,
    fields,
    body,
    framing,
    ends,
  }
}

const withTail = (name: string, tail: string): AcceptedCase =>
  good(name, { target: `/orders{path}${tail}`, suffix: `{path}${tail}` })

/** What came whole before it went on has a length by then (H1-30). */
const inChunks = 'content-length: {length}|transfer-encoding: chunked'

const hosts: readonly AcceptedCase[] = [
  ...[
    'Host: GW.Test',
    'host: gw.test.',
    'HOST:gw.test',
    'Host:\tgw.test \t',
    'Host: gw.test:80',
    'Host: gw.test:65535',
  ].map((line) => good(`H1-1: ${JSON.stringify(line)}`, { host: line })),
  good('H1-2, H1-29: an absolute target goes on as a path', { target: 'http://gw.test/orders{path}' }),
  good('H1-2: its scheme is in any case, its authority with a port', {
    target: 'HTTP://GW.test:81/orders{path}?x',
    suffix: '{path}?x',
  }),
  good('H1-2: Host beside an absolute target counts for nothing', {
    target: 'http://gw.test/orders{path}',
    host: 'Host: evil.test',
  }),
]

const targets: readonly AcceptedCase[] = [
  ...[
    '/',
    '/...',
    '/a..b',
    '/.a',
    '/a.',
    "/~!$&'()*+,=:@-_",
    '/%20',
    '/%c3%a9',
    '/%C3%A9',
    '/%25',
    '/%3f',
    '/%23',
    '/%EF%BC%8E%EF%BC%8E/x',
    '/__proto__/constructor',
  ].map((tail) => withTail(`UR-12, HS-18: ${tail}`, tail)),
  ...['?', '??', '?a=%zz', '?/../x', '?//other.test', '?a=b|c', '?[]{}\\^`"<>', '?%00', '?a;b', "?a='b'&a=%2e%2e"].map(
    (tail) => withTail(`UR-15, HS-18: ${tail}`, tail),
  ),
  withTail('H1-5: a request line of 8,000 octets', `?${'a'.repeat(7950)}`),
]

const methods: readonly AcceptedCase[] = [
  ...['HEAD', 'DELETE', 'OPTIONS', 'M-SEARCH', 'SOURCE', 'REPORT', 'PURGE', 'UNLINK'].map((method) =>
    good(`HS-13: ${method}`, { method }),
  ),
  // Without content and a length: a method that expects content says so (RFC 9110 section 8.6).
  ...['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND'].map((method) =>
    good(`HS-13: ${method} without content`, { method, framing: 'content-length: 0' }),
  ),
]

const content: readonly AcceptedCase[] = [
  ...['GET', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY', 'POST', 'PATCH', 'SEARCH'].map((method) =>
    good(`H1-27: ${method} with content`, {
      method,
      sent: ['Content-Length: 5'],
      fields: [],
      content: 'hello',
      body: 'hello',
      framing: 'content-length: 5',
    }),
  ),
  ...['GET', 'DELETE', 'QUERY', 'POST'].map((method) =>
    good(`H1-27, H1-30: ${method} with content in chunks`, {
      method,
      sent: ['Transfer-Encoding: chunked'],
      fields: [],
      content: '5\r\nhello\r\n0\r\n\r\n',
      body: 'hello',
      framing: inChunks,
    }),
  ),
  ...[' 5', '5 ', '\t5\t ', '005', '0000000000000000000005'].map((value) =>
    good(`H1-11: Content-Length:${JSON.stringify(value)}`, {
      method: 'POST',
      sent: [`Content-Length:${value}`],
      fields: [],
      content: 'hello',
      body: 'hello',
      framing: 'content-length: 5',
    }),
  ),
  good('H1-11: a length of nothing', {
    method: 'POST',
    sent: ['Content-Length: 0'],
    fields: [],
    framing: 'content-length: 0',
  }),
  good('H1-11: GET with a length of nothing', { sent: ['Content-Length: 0'], fields: [] }),
  ...['CHUNKED', 'Chunked ', '\tchunked'].map((value) =>
    good(`H1-8: Transfer-Encoding:${JSON.stringify(value)}`, {
      method: 'POST',
      sent: [`Transfer-Encoding:${value}`],
      fields: [],
      content: '5\r\nhello\r\n0\r\n\r\n',
      body: 'hello',
      framing: inChunks,
    }),
  ),
  ...[
    '00005\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n000\r\n\r\n',
    '5;a\r\nhello\r\n0;b=c\r\n\r\n',
    '5;a="b;c"\r\nhello\r\n0\r\n\r\n',
    `5;${'a'.repeat(8000)}\r\nhello\r\n0\r\n\r\n`,
    '1\r\nh\r\n4\r\nello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nX: y\r\nHost: evil\r\nAuthorization: Bearer evil\r\n\r\n',
  ].map((chunks) =>
    good(`H1-16 … H1-18: chunks ${JSON.stringify(chunks).slice(0, 60)}`, {
      method: 'POST',
      sent: ['Transfer-Encoding: chunked'],
      fields: [],
      content: chunks,
      body: 'hello',
      framing: inChunks,
    }),
  ),
  good('H1-16: a chunk with a size in upper case', {
    method: 'POST',
    sent: ['Transfer-Encoding: chunked'],
    fields: [],
    content: 'A\r\n0123456789\r\n0\r\n\r\n',
    body: '0123456789',
    framing: inChunks,
  }),
  good('H1-19: content that looks like a request is content', {
    method: 'POST',
    sent: ['Content-Length: 47'],
    fields: [],
    content: 'GET /orders/smuggle HTTP/1.1\r\nHost: gw.test\r\n\r\n',
    body: 'GET /orders/smuggle HTTP/1.1\r\nHost: gw.test\r\n\r\n',
    framing: 'content-length: 47',
  }),
]

const fields: readonly AcceptedCase[] = [
  good('HS-13, HS-14: order, repetition and spelling', {
    sent: ['X-A: 1', 'x-b: 2', 'X-A: 3', 'Mcp-Param-X: 4', 'x-a: 1'],
  }),
  good('HS-15: octets above 0x7f in a value', { sent: ['X: caf\xc3\xa9 \xe9\xff'] }),
  good('HS-15: a tab within a value', { sent: ['X: a\tb'] }),
  good('HS-15: white space around a value', { sent: ['X: \t a \t', 'Y:b', 'Z:'], fields: ['X: a', 'Y: b', 'Z: '] }),
  good('H1-24: a field of 8 kB', { sent: [`X: ${'a'.repeat(8192)}`] }),
  good('H1-24: 1,000 fields', { sent: Array.from({ length: 1000 }, (_, index) => `a: ${index}`) }),
  good('HS-28: digests and signatures', {
    sent: ['Content-Digest: sha-256=:YQ==:', 'Signature-Input: a=("@method")', 'Signature: a=:YQ==:'],
  }),
  good('2.2 row 10: names of every object', { sent: ['constructor: 1', 'toString: 2', 'hasOwnProperty: 3'] }),
  good('FW-9: names that some upstreams fold into others', {
    sent: ['X_Auth_Subject: evil', 'Content_Length: 5', 'X.Y: evil', '__proto__: evil', 'X-Y: 1'],
    fields: ['X-Y: 1'],
  }),
  good('HS-1, HS-2: fields of one hop', {
    sent: [
      'Connection: keep-alive, TE, X-Hop',
      'TE: trailers',
      'Keep-Alive: timeout=5',
      'X-Hop: 1',
      'Proxy-Connection: a',
      'Trailer: X',
      'X-Y: 1',
    ],
    fields: ['X-Y: 1'],
  }),
  good('HS-1: Connection with nothing in it', { sent: ['Connection:', 'Connection: ,, ,'], fields: [] }),
  good('WS-2, WS-3: an upgrade to another protocol', {
    sent: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
    fields: [],
    ends: true,
  }),
  good('Upgrade without Connection is no upgrade', { sent: ['Upgrade: websocket'], fields: [] }),
  good('H1-23: Connection: close', { sent: ['Connection: close'], fields: [], ends: true }),
  good('FW-1, UR-21: what only the gateway says', {
    sent: [
      'X-Forwarded-For: 1.2.3.4',
      'Forwarded: for=evil',
      'X-Real-IP: 1.2.3.4',
      'X-Original-URL: /admin',
      'X-HTTP-Method-Override: DELETE',
      'Client-Cert: :YQ==:',
    ],
    fields: [],
  }),
]

const versions: readonly AcceptedCase[] = [
  ...['\r\n', '\r\n\r\n\r\n', '\n', '\n\r\n'].map((before) =>
    good(`H1-15, RFC 9112 2.2: ${JSON.stringify(before)} before the request line`, { before }),
  ),
  good('H1-22, H1-23: HTTP/1.0', { version: 'HTTP/1.0' }),
  good('H1-23: HTTP/1.0 that would live on', {
    version: 'HTTP/1.0',
    sent: ['Connection: keep-alive', 'Keep-Alive: timeout=5'],
    fields: [],
  }),
  good('H1-22: HTTP/1.0 with content', {
    method: 'POST',
    version: 'HTTP/1.0',
    sent: ['Content-Length: 5'],
    fields: [],
    content: 'hello',
    body: 'hello',
    framing: 'content-length: 5',
  }),
  good('HS-11: expectations of HTTP/1.0', { version: 'HTTP/1.0', sent: ['Expect: 100-continue'], fields: [] }),
  // llhttp knows these protocols, and tells nobody that it was one of them: they are HTTP/1.0 to us, which is harmless,
  // as what goes on is HTTP/1.1 of our own making, to where it was allowed to go.
  good('H1-22: RTSP/1.0', { version: 'RTSP/1.0' }),
  good('H1-22: RTSP/1.0 OPTIONS', { method: 'OPTIONS', version: 'RTSP/1.0' }),
  good('H1-22: ICE/1.0', { method: 'SOURCE', version: 'ICE/1.0' }),
]

/** Requests that are forwarded, each once and as it was sent, but for what the gateway itself has to say. */
export const acceptedRequests: readonly AcceptedCase[] = [
  ...hosts,
  ...targets,
  ...methods,
  ...content,
  ...fields,
  ...versions,
]
