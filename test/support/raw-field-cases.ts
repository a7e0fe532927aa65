import { bad, get, host, lines, no, post, type RawCase, withField } from './raw-case.ts'

const syntax: readonly RawCase[] = [
  bad('H1-12: white space before a colon', withField('X : 1')),
  bad('H1-12: a tab before a colon', withField('X\t: 1')),
  bad('H1-13: a folded line', withField('X: 1\r\n 2')),
  bad('H1-13: a line folded with a tab', withField('X: 1\r\n\t2')),
  bad('H1-13: a folded empty line', withField('X: 1\r\n \r\nY: 2')),
  bad('H1-13: a folded Authorization', lines([get, host, 'Authorization:', ' Bearer x'])),
  bad('H1-13: a name folded before its colon', withField('X\r\n : 1')),
  bad('H1-15: white space before the first field', lines([get, ' X: 1', host, '{auth}'])),
  bad('H1-15: a line of white space before the first field', lines([get, ' ', host, '{auth}'])),
  ...['\0', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x7f', '\r', '\n'].flatMap((octet) => [
    bad(`H1-14: ${JSON.stringify(octet)} in a value`, withField(`X: a${octet}b`)),
    bad(`H1-14: ${JSON.stringify(octet)} in a name`, withField(`X${octet}Y: a`)),
  ]),
  bad('H1-14: NUL at the end of a value', withField('X: a\0')),
  bad('H1-14: a bare CR at the end of a value', withField('X: a\r')),
  bad('H1-14: a bare LF as the end of a line', withField('X: a\nY: b')),
  bad('H1-14: a bare LF as the end of the head', `${[get, host, '{auth}'].join('\r\n')}\r\n\n`),
  bad(
    'H1-14: LF alone in the whole head',
    'GET {path} HTTP/1.1\nHost: gw.test\n{auth}\n\n',
    505,
    'version_unsupported',
  ),
  bad('H1-14: CR alone behind the start line', `GET {path} HTTP/1.1\r${host}\r\n{auth}\r\n\r\n`),
  bad('H1-14: two CR behind the start line', `GET {path} HTTP/1.1\r\r${host}\r\n{auth}\r\n\r\n`),
  bad('H1-14: two CR behind a field', withField('X: y\r\rZ: a')),
  bad('H1-14: no colon', withField('X')),
  bad('H1-14: a name of nothing', withField(': x')),
  bad('H1-14: UTF-8 in a name', withField('X-\xc3\xa9: x')),
  bad('H1-14: a space in a name', withField('X Y: x')),
  ...['"', '(', ')', ',', '/', ';', '<', '=', '>', '?', '@', '[', '\\', ']', '{', '}'].map((char) =>
    bad(`H1-14: ${char} in a name`, withField(`X${char}Y: x`)),
  ),
  bad('HS-3: a pseudo-header', withField(':authority: evil.test')),
  bad('CVE-2019-15606: a carriage return behind the head', `GET {path} HTTP/1.1\r\n${host}\r\n\rX: y\r\n\r\n`),
]

const sizes: readonly RawCase[] = [
  bad('H1-24: one field of 20 kB', withField(`X: ${'a'.repeat(20_000)}`), 431, 'header_too_large'),
  bad('H1-24: one name of 20 kB', withField(`${'a'.repeat(20_000)}: x`), 431, 'header_too_large'),
  bad('H1-24: one field of 1 MB', withField(`X: ${'a'.repeat(1_000_000)}`), 431, 'header_too_large'),
  bad(
    'H1-24: a credential of 100 kB',
    lines([get, host, `Authorization: Bearer ${'a'.repeat(100_000)}`]),
    431,
    'header_too_large',
  ),
  bad('H1-24: a Host of 20 kB', lines([get, `Host: ${'a'.repeat(20_000)}`, '{auth}']), 431, 'header_too_large'),
  bad(
    'H1-24: 400 fields of 50 octets',
    lines([get, host, '{auth}', ...Array(400).fill(`X: ${'a'.repeat(45)}`)]),
    431,
    'header_too_large',
  ),
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
]

const nominations: readonly RawCase[] = [
  ...[
    'authorization',
    'AUTHORIZATION',
    'close, Host',
    'Content-Length',
    'Transfer-Encoding',
    'keep-alive,content-type',
    'Cookie',
    'Forwarded',
    'Via',
    'X-Forwarded-For',
    'X-Forwarded-Anything',
    'DPoP',
    'X-Request-Id',
    'x-auth-subject',
    ':authority',
    ':path',
    'close, :x',
    'Cache-Control',
    'Content-Encoding',
  ].map((value) => bad(`HS-3: Connection: ${value}`, withField(`Connection: ${value}`))),
  bad('HS-3: in a second line', withField('Connection: close\r\nConnection: authorization')),
  bad('HS-3: within commas', withField('Connection: ,,\tauthorization ,x')),
  bad(
    'HS-3, 2.2 row 3: a length nominated, and a request as content',
    lines(
      [post, host, '{auth}', 'Connection: Content-Length', 'Content-Length: 49'],
      'GET /orders/smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n',
    ),
  ),
]

const policy: readonly RawCase[] = [
  no('BR-5: two Authorization lines', lines([get, host, '{auth}', '{auth}']), 400, 'credentials_repeated'),
  no('BR-3: a tab behind the scheme', lines([get, host, 'Authorization: Bearer\tx']), 400, 'credentials_malformed'),
  no('BR-9: no credentials', lines([get, host]), 401, 'token_missing'),
  no(
    'BR-9: the credential of a proxy is none',
    lines([get, host, 'Proxy-Authorization: Bearer x']),
    401,
    'token_missing',
  ),
  no('RT-7: no path', lines(['GET / HTTP/1.1', host, '{auth}']), 404, 'route_unknown'),
  no(
    'RT-3: a prefix that ends within a segment',
    lines(['GET /ordersx HTTP/1.1', host, '{auth}']),
    404,
    'route_unknown',
  ),
  no('UR-13: paths are case-sensitive', lines(['GET /ORDERS/1 HTTP/1.1', host, '{auth}']), 404, 'route_unknown'),
  no('HS-11: an expectation that nobody can meet', withField('Expect: 200-ok'), 417, 'expectation_failed'),
]

/** Faults of field lines, and good messages that are refused for what they ask. */
export const refusedFields: readonly RawCase[] = [...syntax, ...sizes, ...nominations, ...policy]
