/** One raw request, as bytes, and what must come of it. */
export interface RawCase {
  /** With the requirement or attack that it stands for. */
  readonly name: string
  /**
   * The bytes, latin1. `{path}` is a target of its own below the resource, `{auth}` a good `Authorization` line and
   * `{host}` a good `Host` line, both with their CRLF; `\n` in lines of an array is not translated.
   */
  readonly bytes: string
  readonly status: number
  readonly reason?: string
  /** Whether the connection must end with the answer, so that nothing behind it is a request. */
  readonly ends: boolean
}

/** The head of a request from its lines, the blank line, and the content. */
const lines = (head: readonly string[], content = ''): string => `${head.join('\r\n')}\r\n\r\n${content}`

const get = '{method} {path} HTTP/1.1'.replace('{method}', 'GET')
const post = 'POST {path} HTTP/1.1'
const host = 'Host: gw.test'

const bad = (name: string, bytes: string, status = 400, reason?: string): RawCase => ({
  name,
  bytes,
  status,
  ends: true,
  ...(reason === undefined ? {} : { reason }),
})
const no = (name: string, bytes: string, status: number, reason: string): RawCase => ({
  name,
  bytes,
  status,
  reason,
  ends: false,
})

const malformed = 'request_malformed'
const withHost = (value: string): string => lines([get, `Host:${value}`, '{auth}'])
const withLength = (line: string, content = 'hello'): string => lines([post, host, '{auth}', line], content)
const withCoding = (line: string, content = '5\r\nhello\r\n0\r\n\r\n'): string =>
  lines([post, host, '{auth}', line], content)
const withChunks = (content: string): string => withCoding('Transfer-Encoding: chunked', content)
const withTarget = (target: string): string => lines([`GET ${target} HTTP/1.1`, host, '{auth}'])
const withField = (line: string): string => lines([get, host, '{auth}', line])

const hosts: readonly RawCase[] = [
  bad('H1-1: no Host in HTTP/1.1', lines([get, '{auth}']), 400, malformed),
  bad('H1-1: an empty Host', withHost(' '), 400, malformed),
  bad('H1-1: two equal Host lines', lines([get, host, host, '{auth}']), 400, malformed),
  bad('H1-1: two different Host lines', lines([get, host, 'Host: evil.test', '{auth}']), 400, malformed),
  bad('H1-1: two Host lines in two cases', lines([get, 'HOST: gw.test', 'hOsT: evil.test', '{auth}']), 400, malformed),
  ...[
    ' gw.test, evil.test',
    ' a@gw.test',
    ' gw.test/admin',
    ' gw.test;proto=https',
    ' gw test',
    ' gw.test:80:80',
    ' gw.test:x',
    ' gw.test:',
    ' gw.test:999999',
    ' [::1',
    ' gw%2etest',
    ' gw..test',
    ' .test',
    ' gw.test?x',
    ' gw.test#x',
    ' "gw.test"',
    ' b\xfccher.test',
    ' 0x7f.1',
    ' 127.1',
    ' 2130706433',
  ].map((value) =>
    bad(`H1-1: Host is no host with an optional port:${JSON.stringify(value)}`, withHost(value), 400, malformed),
  ),
  bad('H1-15: a Host line with white space before it', lines([get, ' Host: evil.test', host, '{auth}'])),
  bad('H1-12: white space before the colon of Host', lines([get, 'Host : gw.test', '{auth}'])),
  no('HS-19: an authority that nothing is served under', withHost(' evil.test'), 421, 'host_unknown'),
  no('CVE-2026-39350: a dot is no wildcard', withHost(' gwxtest'), 421, 'host_unknown'),
  no('a suffix without a dot is another host', withHost(' evil-gw.test'), 421, 'host_unknown'),
]

const targets: readonly RawCase[] = [
  no(
    'H1-2: the authority of an absolute target counts, not Host',
    withTarget('http://evil.test{path}'),
    421,
    'host_unknown',
  ),
  bad('UR-17: userinfo in an absolute target', withTarget('http://gw.test@evil.test{path}'), 400, malformed),
  bad('UR-17: userinfo before the right host', withTarget('http://a@gw.test{path}'), 400, malformed),
  no('H1-2: an absolute target without an authority', withTarget('http://{path}'), 400, 'target_malformed'),
  ...['file://gw.test', 'ftp://gw.test', 'HTTP:///gw.test', 'http://?'].map((start) =>
    no(`H1-2, H1-3: a target that starts with ${start}`, withTarget(`${start}{path}`), 400, 'target_malformed'),
  ),
  ...['http:', 'http:/gw.test', 'gw.test:80', 'x', '\\'].map((start) =>
    bad(`H1-3: a target that starts with ${start}`, withTarget(`${start}{path}`), 400, malformed),
  ),
  no('H1-3: `*` is for OPTIONS', lines(['GET * HTTP/1.1', host, '{auth}']), 400, 'target_malformed'),
  no('H1-3: `OPTIONS *` belongs to no resource', lines(['OPTIONS * HTTP/1.1', host, '{auth}']), 404, 'route_unknown'),
  ...[
    '{path}#x',
    '{path}%',
    '{path}%z1',
    '{path}%00',
    '{path}%0a',
    '{path}%7f',
    '{path}\\x',
    '{path}%5cx',
    '{path}//x',
    '/{path}',
    '{path}/../x',
    '{path}/.',
    '{path}/%2e%2e/x',
    '{path}/.%2E/x',
    '{path}/%252e%252e/x',
    '{path}%2fx',
    '{path};x',
    '{path}/..;/x',
    '{path}%61',
    '{path}%c0%ae',
    '{path}%ff',
    '{path}<x>',
    '{path}"x"',
    '{path}{x}',
    '{path}|x',
    '{path}^x',
    '{path}`x`',
    '{path}?a#b',
  ].map((target) => no(`H1-4: ${target}`, withTarget(target), 400, 'target_malformed')),
  bad('H1-4: a raw byte above 0x7f in the target', withTarget('{path}\xe9')),
  bad('H1-4: a raw tab in the target', withTarget('{path}\tx')),
  bad('H1-4: a raw space in the target', withTarget('{path} x')),
  no('H1-5: one octet beyond the limit', withTarget(`{path}${'a'.repeat(8192)}`), 414, 'target_too_long'),
]

const methods: readonly RawCase[] = [
  bad('H1-6: an unknown method', lines(['POUET {path} HTTP/1.1', host, '{auth}']), 501, 'method_not_implemented'),
  bad(
    'H1-6: methods are case-sensitive',
    lines(['get {path} HTTP/1.1', host, '{auth}']),
    501,
    'method_not_implemented',
  ),
  bad('H1-6: a prefix of a method', lines(['GE {path} HTTP/1.1', host, '{auth}']), 501, 'method_not_implemented'),
  bad(
    'H1-6: a method with something behind it',
    lines(['GETX {path} HTTP/1.1', host, '{auth}']),
    501,
    'method_not_implemented',
  ),
  no('HS-7: TRACE is never served', lines(['TRACE {path} HTTP/1.1', host, '{auth}']), 405, 'method_not_allowed'),
  bad('H1-3, H1-28: CONNECT', lines(['CONNECT gw.test:80 HTTP/1.1', host, '{auth}']), 501, 'method_not_implemented'),
  bad(
    'H1-28: CONNECT with content',
    lines(['CONNECT gw.test:80 HTTP/1.1', host, '{auth}', 'Content-Length: 5'], 'hello'),
    501,
    'method_not_implemented',
  ),
]

const versions: readonly RawCase[] = [
  ...['HTTP/2.0', 'HTTP/1.2', 'HTTP/3.0', 'HTTP/0.9'].map((version) =>
    bad(`H1-22: ${version}`, lines([`GET {path} ${version}`, host, '{auth}']), 505, 'version_unsupported'),
  ),
  bad('H1-22: no version at all', 'GET {path}\r\n\r\n', 505),
  bad('H1-22: a version in lower case', lines(['GET {path} http/1.1', host, '{auth}'])),
  bad('H1-22: another protocol', lines(['GET {path} FTP/1.0', host, '{auth}'])),
  bad('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  bad('no request line', 'hello\r\n\r\n', 501),
  bad('a TLS handshake', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03', 501),
]

const lengths: readonly RawCase[] = [
  ...['+5', '-5', '0x5', '5,5', '5, 6', '5e0', '1 0', '', '5.0', 'five', '\xa05', '18446744073709551621'].map((value) =>
    bad(`H1-11: Content-Length: ${JSON.stringify(value)}`, withLength(`Content-Length: ${value}`), 400, malformed),
  ),
  bad('H1-11: two equal lengths', withLength('Content-Length: 5\r\nContent-Length: 5'), 400, malformed),
  bad('H1-11: two lengths', withLength('Content-Length: 5\r\nContent-Length: 0'), 400, malformed),
  bad('H1-11: two lengths in two cases', withLength('content-length: 0\r\nContent-Length: 5'), 400, malformed),
  bad('H1-12: white space before the colon', withLength('Content-Length : 5'), 400, malformed),
  bad('H1-13: a folded length', withLength('Content-Length:\r\n 5'), 400, malformed),
]

const codings: readonly RawCase[] = [
  bad('H1-7: a length, then a coding', withCoding('Content-Length: 5\r\nTransfer-Encoding: chunked'), 400, malformed),
  bad('H1-7: a coding, then a length', withCoding('Transfer-Encoding: chunked\r\nContent-Length: 15'), 400, malformed),
  bad(
    'H1-7: on GET too',
    lines([get, host, '{auth}', 'Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    400,
    malformed,
  ),
  ...[
    'xchunked',
    'chunked, identity',
    'identity',
    'chunked, chunked',
    'chunked;q=1',
    '',
    '"chunked"',
    'chunked\x0b',
    'chunked, ',
    'chunked x',
  ].map((value) =>
    bad(`H1-8: Transfer-Encoding: ${JSON.stringify(value)}`, withCoding(`Transfer-Encoding: ${value}`), 400, malformed),
  ),
  bad(
    'H1-8: two codings in two lines',
    withCoding('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'),
    400,
    malformed,
  ),
  bad(
    'H1-8: chunked in two lines',
    withCoding('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
    400,
    malformed,
  ),
  bad('H1-8: a folded coding', withCoding('Transfer-Encoding:\r\n chunked'), 400, malformed),
  bad('H1-12: white space before the colon of a coding', withCoding('Transfer-Encoding : chunked'), 400, malformed),
  ...['gzip, chunked', 'cow, chunked', 'deflate,chunked'].map((value) =>
    bad(`H1-9: Transfer-Encoding: ${value}`, withCoding(`Transfer-Encoding: ${value}`), 501, 'coding_not_implemented'),
  ),
  bad(
    'H1-10: a coding in HTTP/1.0',
    lines(['POST {path} HTTP/1.0', host, '{auth}', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    400,
    malformed,
  ),
]

const chunks: readonly RawCase[] = [
  ...[
    '0x5\r\nhello',
    '-5\r\nhello',
    '+5\r\nhello',
    '5 \r\nhello',
    ' 5\r\nhello',
    '\r\nhello',
    'g\r\nhello',
    '5\nhello',
    '11111111111111111\r\nhello',
    '5\r\nhelloX',
    '5\r\nhel',
    '5;a\rb\r\nhello',
    '5;"a\r\nhello',
  ].map((chunk) => bad(`H1-16: a chunk ${JSON.stringify(chunk)}`, withChunks(`${chunk}\r\n0\r\n\r\n`), 400, malformed)),
  bad('H1-17: 64 KiB of chunk extensions', withChunks(`5;${'a'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`), 400, malformed),
  bad('H1-16: a trailer line ended by a bare LF', withChunks('5\r\nhello\r\n0\r\nX: y\n\r\n'), 400, malformed),
]

const fields: readonly RawCase[] = [
  bad('H1-12: white space before a colon', withField('X : 1'), 400, malformed),
  bad('H1-13: a folded line', withField('X: 1\r\n 2'), 400, malformed),
  bad('H1-13: a folded Authorization', lines([get, host, 'Authorization:', ' Bearer x']), 400, malformed),
  bad('H1-15: white space before the first field', lines([get, ' X: 1', host, '{auth}']), 400, malformed),
  bad('H1-14: NUL in a value', withField('X: a\0b'), 400, malformed),
  bad('H1-14: a bare CR in a value', withField('X: a\rb'), 400, malformed),
  bad('H1-14: DEL in a value', withField('X: a\x7fb'), 400, malformed),
  bad('H1-14: a bare LF as the end of a line', withField('X: a\nY: b'), 400, malformed),
  bad('H1-14: LF alone in the whole head', 'GET {path} HTTP/1.1\nHost: gw.test\n{auth}\n\n', 505),
  bad('H1-14: no colon', withField('X'), 400, malformed),
  bad('H1-14: a name of nothing', withField(': x'), 400, malformed),
  bad('H1-14: UTF-8 in a name', withField('X-\xc3\xa9: x'), 400, malformed),
  bad('H1-14: a space in a name', withField('X Y: x'), 400, malformed),
  bad('H1-24: one field of 20 kB', withField(`X: ${'a'.repeat(20_000)}`), 431, 'header_too_large'),
  bad(
    'H1-24: 2,100 fields before the credential',
    lines([get, host, ...Array(2100).fill('a: b'), '{auth}']),
    431,
    'header_too_large',
  ),
  bad(
    'H1-24: 4,000 fields before a length',
    lines([post, host, '{auth}', ...Array(4000).fill('a:'), 'Content-Length: 5'], 'hello'),
    431,
    'header_too_large',
  ),
  bad('CVE-2019-15606: a carriage return behind the head', `GET {path} HTTP/1.1\r\n${host}\r\n\rX: y\r\n\r\n`, 400),
  no('BR-5: two Authorization lines', lines([get, host, '{auth}', '{auth}']), 400, 'credentials_repeated'),
  no('BR-3: a tab behind the scheme', lines([get, host, 'Authorization: Bearer\tx']), 400, 'credentials_malformed'),
  no('BR-9: no credentials', lines([get, host]), 401, 'token_missing'),
]

/** Requests that no upstream may see. The resource is `https://gw.test/orders` at its own place. */
export const refusedRequests: readonly RawCase[] = [
  ...hosts,
  ...targets,
  ...methods,
  ...versions,
  ...lengths,
  ...codings,
  ...chunks,
  ...fields,
]
