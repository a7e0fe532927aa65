import { broken, coding, evil, invalid, length, line, message, type RawResponse, relayed } from './raw-response.ts'

const ok = message([line, 'Content-Length: 2'], 'ok')
const asOk = [line, ['Content-Length: 2'], 'ok'] as const

const unasked: readonly RawResponse[] = [
  relayed('H1-20: two answers at once', ok + evil, asOk),
  relayed('H1-20: three answers at once', ok + evil + evil, asOk),
  relayed('H1-20: octets behind the length', `${ok}evil`, asOk),
  relayed('H1-20: a second answer 100 ms later', ok, asOk, { later: evil }),
  relayed('H1-20: octets 100 ms later', ok, asOk, { later: 'evil' }),
  relayed('H1-20: 408 when it is tired', ok, asOk, {
    later: message(['HTTP/1.1 408 Request Timeout', length, 'Connection: close'], 'evil'),
  }),
  relayed(
    'H1-20: octets behind Connection: close',
    message([line, 'Content-Length: 2', 'Connection: close'], `ok${evil}`),
    asOk,
  ),
  relayed('H1-20: an empty line behind the answer', `${ok}\r\n`, asOk),
  relayed('H1-20: octets behind the last chunk', message([line, coding], `2\r\nok\r\n0\r\n\r\n${evil}`), [
    line,
    [coding],
    'ok',
  ]),
  relayed('H1-20: content behind a length of nothing', message([line, 'Content-Length: 0'], 'evil'), [
    line,
    ['Content-Length: 0'],
    '',
  ]),
  // What comes with the connection cannot be told from a quick answer to the request that it was made for.
  relayed('H1-20: it speaks first', evil, [line, ['Content-Length: 5'], 'early'], {
    first: message([line, 'Content-Length: 5'], 'early'),
  }),
  relayed('HS-24: content of HEAD', message([line, length], 'evil'), [line, [length], ''], { method: 'HEAD' }),
  relayed(
    'HS-24: an answer as the content of HEAD',
    message([line, `Content-Length: ${evil.length}`], evil),
    [line, [`Content-Length: ${evil.length}`], ''],
    {
      method: 'HEAD',
    },
  ),
  relayed('HS-24: HEAD of chunks', message([line, coding], '4\r\nevil\r\n0\r\n\r\n'), [line, [], ''], {
    method: 'HEAD',
  }),
  ...['204 No Content', '304 Not Modified'].flatMap((status) => {
    const start = `HTTP/1.1 ${status}`
    const kept = status.startsWith('304') ? [`Content-Length: ${evil.length}`] : []
    return [
      relayed(`HS-24: content of ${status}`, message([start], 'evil'), [start, [], '']),
      relayed(`HS-24: an answer behind ${status}`, message([start], evil), [start, [], '']),
      relayed(
        `HS-24: an answer as the content of ${status}`,
        message([start, `Content-Length: ${evil.length}`], evil),
        [start, kept, ''],
      ),
      relayed(`HS-24: chunks of ${status}`, message([start, coding], '4\r\nevil\r\n0\r\n\r\n'), [start, [], '']),
    ]
  }),
  relayed('HS-24: 205', message(['HTTP/1.1 205 Reset Content', 'Content-Length: 0'], 'evil'), [
    'HTTP/1.1 205 Reset Content',
    ['Content-Length: 0'],
    '',
  ]),
  relayed('HS-24: 205 with content', message(['HTTP/1.1 205 Reset Content', length], `abcd${evil}`), [
    'HTTP/1.1 205 Reset Content',
    [length],
    'abcd',
  ]),
]

const cut: readonly RawResponse[] = [
  ...(['end', 'reset'] as const).flatMap((after) => [
    invalid(`H1-21: in the status line, ${after}`, 'HTTP/1.1 20', { after }),
    invalid(`H1-21: behind the status line, ${after}`, 'HTTP/1.1 200 OK\r\n', { after }),
    invalid(`H1-21: in a field, ${after}`, 'HTTP/1.1 200 OK\r\nX: ev', { after }),
    invalid(`H1-21: before the empty line, ${after}`, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n', { after }),
    broken(`H1-21: before the content, ${after}`, message([line, length]), '', { after }),
    broken(`H1-21: in the content, ${after}`, message([line, length], 'abc'), 'abc', { after }),
    broken(`H1-21: before the first chunk, ${after}`, message([line, coding]), '', { after }),
    broken(`H1-21: in the size of a chunk, ${after}`, message([line, coding], '1'), '', { after }),
    broken(`H1-21: in a chunk, ${after}`, message([line, coding], '4\r\nabc'), 'abc', { after }),
    broken(`H1-21: behind a chunk, ${after}`, message([line, coding], '3\r\nabc\r\n'), 'abc', { after }),
    broken(`H1-21: behind the size of the last chunk, ${after}`, message([line, coding], '3\r\nabc\r\n0\r\n'), 'abc', {
      after,
    }),
    broken(`H1-21: in the trailers, ${after}`, message([line, coding], '3\r\nabc\r\n0\r\nX: y'), 'abc', { after }),
    broken(
      `H1-21: before the end of the trailers, ${after}`,
      message([line, coding], '3\r\nabc\r\n0\r\nX: y\r\n'),
      'abc',
      { after },
    ),
    broken(`H1-21, H1-22: in the content, ${after}, for HTTP/1.0`, message([line, coding], '3\r\nabc\r\n'), 'abc', {
      after,
      version: 'HTTP/1.0',
    }),
  ]),
  broken('H1-21: content without a length that ends in a reset', message([line], 'abc'), 'abc', { after: 'reset' }),
]

const chunks: readonly RawResponse[] = [
  ...['0x4', '-4', '+4', '4 ', ' 4', 'g', '', ';x', '11111111111111111', '4;', '4;"a'].map((size) =>
    broken(
      `H1-16: a chunk of size ${JSON.stringify(size)}`,
      message([line, coding], `3\r\nabc\r\n${size}\r\nevil\r\n0\r\n\r\n`),
      'abc',
    ),
  ),
  broken('H1-16: a chunk without its end', message([line, coding], '3\r\nabcX\r\n0\r\n\r\n'), 'abc'),
  broken('H1-16: a bare LF behind a size', message([line, coding], '3\r\nabc\r\n4\nevil\r\n0\r\n\r\n'), 'abc'),
  broken('H1-16: a bare LF behind a chunk', message([line, coding], '3\r\nabc\n4\r\nevil\r\n0\r\n\r\n'), 'abc'),
  broken(
    'H1-18: a length as a trailer',
    message([line, coding], '3\r\nabc\r\n0\r\nContent-Length: 4\r\n\r\nevil'),
    'abc',
  ),
  broken('H1-18: a folded trailer', message([line, coding], '3\r\nabc\r\n0\r\nX: y\r\n evil\r\n\r\n'), 'abc'),
  broken(
    'H1-18: 70 kB of trailers',
    message([line, coding], `3\r\nabc\r\n0\r\n${'X: y\r\n'.repeat(40_000)}\r\n`),
    'abc',
  ),
]

const good: readonly RawResponse[] = [
  // undici's parser takes these versions, and tells nobody which one it was. Framed as HTTP/1, they are answers like any
  // other, and what goes on is HTTP/1.1 of our own making.
  ...['HTTP/2.0', 'HTTP/0.9', 'RTSP/1.0', 'ICE/1.0'].map((version) =>
    relayed(`H1-22: ${version}`, message([`${version} 200 OK`, 'Content-Length: 2'], 'ok'), asOk),
  ),
  relayed('H1-17: extensions of chunks are dropped', message([line, coding], '2;a=b;c="d"\r\nok\r\n0;e\r\n\r\n'), [
    line,
    [coding],
    'ok',
  ]),
  relayed(
    'H1-17: 1 MB of extensions of a chunk',
    message([line, coding], `2;a=${'b'.repeat(1_000_000)}\r\nok\r\n0\r\n\r\n`),
    [line, [coding], 'ok'],
  ),
  relayed('H1-16: zeros before a size, and capitals', message([line, coding], '0000A\r\n0123456789\r\n00\r\n\r\n'), [
    line,
    [coding],
    '0123456789',
  ]),
  relayed(
    'HS-9, H1-18: trailers, but none that counts',
    message(
      [line, 'Trailer: X', coding],
      `2\r\nok\r\n0\r\nX: y\r\nSet-Cookie: evil\r\nHost: evil\r\nContent-Type: evil\r\n\r\n`,
    ),
    [line, ['Trailer: X', coding], 'ok\r\nX: y'],
  ),
  relayed('H1-22: HTTP/1.0 with a length', message(['HTTP/1.0 200 OK', 'Content-Length: 2'], 'ok'), asOk),
  relayed('H1-22: HTTP/1.0 until the end', message(['HTTP/1.0 200 OK'], 'ok'), [line, [coding], 'ok'], {
    after: 'end',
  }),
  relayed('H1-22: HTTP/1.1 until the end', message([line], 'ok'), [line, [coding], 'ok'], { after: 'end' }),
  relayed('H1-22: chunks for HTTP/1.0', message([line, coding], '2\r\nok\r\n0\r\n\r\n'), [line, [], 'ok'], {
    version: 'HTTP/1.0',
  }),
  relayed('H1-22: until the end for HTTP/1.0', message([line], 'ok'), [line, [], 'ok'], {
    version: 'HTTP/1.0',
    after: 'end',
  }),
  relayed('RFC 9112 2.2: an empty line before the answer', `\r\n${ok}`, asOk),
  relayed('RFC 9112 4: no reason', message(['HTTP/1.1 200 ', 'Content-Length: 2'], 'ok'), [
    'HTTP/1.1 200 ',
    ['Content-Length: 2'],
    'ok',
  ]),
  relayed('a status that nobody knows', message(['HTTP/1.1 299 Fine', 'Content-Length: 2'], 'ok'), [
    'HTTP/1.1 299 Fine',
    ['Content-Length: 2'],
    'ok',
  ]),
  relayed(
    'RFC 9110 15.4: a redirect',
    message(['HTTP/1.1 302 Found', 'Location: http://127.0.0.1/x', 'Content-Length: 0']),
    ['HTTP/1.1 302 Found', ['Location: http://127.0.0.1/x', 'Content-Length: 0'], ''],
  ),
  relayed(
    'HS-14: Set-Cookie twice',
    message([line, 'Set-Cookie: a=1, x', 'X: 1', 'set-cookie: b=2', 'X: 2', 'Content-Length: 2'], 'ok'),
    [line, ['Set-Cookie: a=1, x', 'X: 1', 'set-cookie: b=2', 'X: 2', 'Content-Length: 2'], 'ok'],
  ),
  relayed(
    'HS-15: octets above 0x7f in a value',
    message([line, 'X: caf\xc3\xa9 \xe9\xff', 'Content-Length: 2'], 'ok'),
    [line, ['X: caf\xc3\xa9 \xe9\xff', 'Content-Length: 2'], 'ok'],
  ),
  // RFC 9112 section 4: a reason is for nobody to act on. What undici tells of it is not what stood there.
  relayed('RFC 9112 4: a reason in latin1', message(['HTTP/1.1 200 D\xe9j\xe0', 'Content-Length: 2'], 'ok'), asOk),
  relayed(
    'RFC 9112 4: a reason in UTF-8',
    message(['HTTP/1.1 200 D\xc3\xa9j\xc3\xa0', 'Content-Length: 2'], 'ok'),
    asOk,
  ),
  relayed('H1-24: a field of 40 kB', message([line, `X: ${'a'.repeat(40_000)}`, 'Content-Length: 2'], 'ok'), [
    line,
    [`X: ${'a'.repeat(40_000)}`, 'Content-Length: 2'],
    'ok',
  ]),
  relayed(
    'HS-1, HS-2: fields of one hop',
    message(
      [
        line,
        'Connection: keep-alive, X-Hop, content-length',
        'X-Hop: evil',
        'Keep-Alive: timeout=5',
        'Proxy-Authenticate: evil',
        'TE: evil',
        'Content-Length: 2',
      ],
      'ok',
    ),
    asOk,
  ),
  relayed('HS-1: Keep-Alive of no time', message([line, 'Keep-Alive: timeout=0', 'Content-Length: 2'], 'ok'), asOk),
  relayed(
    'WS-6: an offer to upgrade in an ordinary answer',
    message([line, 'Connection: Upgrade', 'Upgrade: evil', 'Content-Length: 2'], 'ok'),
    asOk,
  ),
  relayed(
    '2.2 row 10: names of every object',
    message([line, '__proto__: a', 'constructor: b', 'Content-Length: 2'], 'ok'),
    [line, ['__proto__: a', 'constructor: b', 'Content-Length: 2'], 'ok'],
  ),
]

/** Answers that are relayed, in whole or until they break. */
export const relayedResponses: readonly RawResponse[] = [...unasked, ...cut, ...chunks, ...good]
