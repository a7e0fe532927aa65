import { coding, evil, invalid, length, line, message, type RawResponse, relayed, told } from './raw-response.ts'

const withField = (field: string): string => message([line, field, length], 'evil')

const starts: readonly RawResponse[] = [
  ...[
    'hello',
    'ICY 200 OK',
    'HTTP/1.2 200 OK',
    'HTTP/3.0 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/01.1 200 OK',
    'HTTP/1 200 OK',
    'http/1.1 200 OK',
    'HTTP /1.1 200 OK',
    'HTTPS/1.1 200 OK',
    'HTTP/1.1',
    'HTTP/1.1 ',
    'HTTP/1.1 OK',
    'HTTP/1.1 2 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 -200 OK',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1 0x8 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1 200OK',
    ' HTTP/1.1 200 OK',
    'GET / HTTP/1.1',
    '\0',
  ].map((start) =>
    invalid(`ER-1: a status line ${JSON.stringify(start)}`, message([start, length], 'evil'), { after: 'end' }),
  ),
  ...['000', '001', '099', '600', '999'].map((status) =>
    invalid(`ER-1: status ${status}`, message([`HTTP/1.1 ${status} OK`, length], 'evil')),
  ),
  ...['\0', '\r', '\x01', '\x7f', '\x1b'].map((octet) =>
    invalid(`HS-15: ${JSON.stringify(octet)} in the reason`, message([`HTTP/1.1 200 O${octet}K`, length], 'evil')),
  ),
  invalid('ER-1: random octets', '\x16\x03\x01\x02\xff\xfe\x80\x00\r\n\r\n'),
  invalid('ER-1: nothing, and the end', '', { after: 'end' }),
  invalid('ER-1: nothing, and a reset', '', { after: 'reset' }),
  invalid('ER-1: an empty line, and the end', '\r\n', { after: 'end' }),
  told('ER-1: nothing at all', '', { kind: 'timeout' }),
]

const lengths: readonly RawResponse[] = [
  ...[
    '+4',
    '-4',
    '0x4',
    '4,5',
    '4, 4',
    '4 4',
    '',
    'four',
    '4.0',
    '"4"',
    '\xa04',
    '18446744073709551620',
    '1000000000000000000000',
  ].map((value) =>
    invalid(`H1-11: Content-Length: ${JSON.stringify(value)}`, message([line, `Content-Length: ${value}`], 'evil')),
  ),
  invalid('H1-11: two lengths', message([line, length, 'Content-Length: 2'], 'evil')),
  invalid('H1-11: two equal lengths', message([line, length, length], 'evil')),
  invalid('H1-7: a length, then a coding', message([line, length, coding], '0\r\n\r\nevil')),
  invalid('H1-7: a coding, then a length', message([line, coding, length], '0\r\n\r\nevil')),
  invalid('H1-12: white space before the colon of a length', message([line, 'Content-Length : 4'], 'evil')),
  ...[
    'identity',
    'gzip',
    'chunked, gzip',
    'gzip, chunked',
    'chunked, chunked',
    'xchunked',
    'chunkedchunked',
    '',
    '"chunked"',
    'chunked;q=1',
  ].map((value) =>
    invalid(
      `H1-8, H1-9: Transfer-Encoding: ${JSON.stringify(value)}`,
      message([line, `Transfer-Encoding: ${value}`], '4\r\nevil\r\n0\r\n\r\n'),
      {
        after: 'end',
      },
    ),
  ),
  invalid(
    'H1-8: two codings in two lines',
    message([line, coding, 'Transfer-Encoding: identity'], '4\r\nevil\r\n0\r\n\r\n'),
    { after: 'end' },
  ),
  invalid('H1-8: chunked in two lines', message([line, coding, coding], '4\r\nevil\r\n0\r\n\r\n'), { after: 'end' }),
  invalid(
    'H1-12: white space before the colon of a coding',
    message([line, 'Transfer-Encoding : chunked'], '4\r\nevil\r\n0\r\n\r\n'),
  ),
]

const fields: readonly RawResponse[] = [
  invalid('H1-13: a folded line', withField('X: evil\r\n folded')),
  invalid('H1-13: a folded line without content', withField('X:\r\n evil')),
  invalid('H1-14: a bare LF', withField('X: evil\nY: b')),
  invalid('H1-14: LF alone', 'HTTP/1.1 200 OK\nContent-Length: 4\n\nevil'),
  invalid('H1-14: a bare CR', withField('X: evil\rY: b')),
  invalid('H1-14: CR alone behind the status line', 'HTTP/1.1 200 OK\rContent-Length: 4\r\n\r\nevil'),
  invalid('H1-15: white space before the first field', withField(' X: evil')),
  invalid('H1-12: white space before a colon', withField('X : evil')),
  invalid('H1-14: a name of nothing', withField(': evil')),
  invalid('H1-14: no colon', withField('evil')),
  ...[' ', '\0', '\x7f', '\xe9', '@', '(', '"', '{'].map((char) =>
    invalid(`H1-14: ${JSON.stringify(char)} in a name`, withField(`X${char}Y: evil`)),
  ),
  ...['\0', '\x01', '\x0b', '\x7f'].map((char) =>
    invalid(`HS-15: ${JSON.stringify(char)} in a value`, withField(`X: evil${char}`)),
  ),
  invalid('H1-24: a field of 70 kB', withField(`X: ${'a'.repeat(70_000)}`)),
  invalid('H1-24: a name of 70 kB', withField(`${'X'.repeat(70_000)}: a`)),
  invalid(
    'H1-24: 5,000 fields of 20 octets',
    message([line, ...Array(5000).fill('X-A: aaaaaaaaaaaaa'), length], 'evil'),
  ),
  invalid('H1-24: 1 MB of fields', message([line, ...Array(50_000).fill('X-A: aaaaaaaaaaaaa'), length], 'evil')),
]

const interim: readonly RawResponse[] = [
  invalid('2.5 row 5: a flood of 100', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20_000)),
  invalid('2.5 row 5: a flood of 102', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(20_000)),
  invalid('2.5 row 5: a flood of 103', 'HTTP/1.1 103 Early Hints\r\nLink: </evil>\r\n\r\n'.repeat(20_000), {
    version: 'HTTP/1.0',
  }),
  invalid(
    'WS-6, 2.5 row 10: an upgrade nobody asked for',
    `${message(['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'])}${evil}`,
  ),
  invalid(
    'WS-6, 2.5 row 10: an upgrade to h2c',
    `${message(['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: h2c'])}${evil}`,
  ),
  invalid('WS-6: 101 without Upgrade', `${message(['HTTP/1.1 101 Switching Protocols'])}${evil}`),
  invalid('H1-21: interim answers, and the end', 'HTTP/1.1 102 Processing\r\n\r\n', {
    after: 'end',
    version: 'HTTP/1.0',
  }),
  relayed(
    'HS-12: interim answers before the answer',
    `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(4)}HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${message([line, 'Content-Length: 2'], 'ok')}`,
    [line, ['Content-Length: 2'], 'ok'],
  ),
  relayed(
    'HS-12: interim answers are not for HTTP/1.0',
    `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(4)}HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${message([line, 'Content-Length: 2'], 'ok')}`,
    [line, ['Content-Length: 2'], 'ok'],
    { version: 'HTTP/1.0' },
  ),
]

/** Answers that are none, and the floods before one. */
export const refusedResponses: readonly RawResponse[] = [...starts, ...lengths, ...fields, ...interim]
