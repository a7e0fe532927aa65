import type { Fault } from './fault-case.ts'
import { broken, hasty, invalid, late, lost, served, told } from './fault-outcomes.ts'
import { evil, inOrder, secret, silence, whenAsked } from './faulty-upstream.ts'

const ok = (fields: string, content = ''): string =>
  `HTTP/1.1 200 OK\r\nX-From: ${secret}\r\n${fields}\r\n\r\n${content}`

function* forEver(text: string): Generator<string> {
  for (;;) yield text
}

/** It says something, or nothing, in its own time. */
export const answerFaults: readonly Fault[] = [
  told('it says nothing', [whenAsked(silence)], late('response'), { entry: hasty }),
  told('it says nothing, and the other is not asked', [whenAsked(silence), inOrder], late('response'), {
    entry: hasty,
  }),
  told(
    'its head comes an octet at a time',
    [whenAsked(({ drip }) => drip(ok(`X: ${'a'.repeat(400)}`), 50))],
    late('response'),
    {
      entry: hasty,
    },
  ),
  told(
    'its head comes an octet at a time, but in time',
    [whenAsked(({ drip }) => drip('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n/fault', 5))],
    served(),
  ),
  told(
    'its head never ends',
    [whenAsked(({ drip }) => drip(forEver(`X: ${'a'.repeat(8000)}\r\n`), 5))],
    invalid(/\b(?:not an HTTP\/1\.1 message|UND_ERR_HEADERS_OVERFLOW)$/),
  ),
  told(
    'a head of one field that never ends',
    [
      whenAsked(({ say, drip }) => {
        say('HTTP/1.1 200 OK\r\nX: ')
        drip(forEver('a'.repeat(8000)), 5)
      }),
    ],
    invalid(/UND_ERR_HEADERS_OVERFLOW$/),
  ),
  told(
    'it says that there will be an answer, for ever',
    [whenAsked(({ drip }) => drip(forEver(`HTTP/1.1 102 Processing\r\nX: ${secret}\r\n\r\n`), 10))],
    invalid(/flood of interim answers$/),
    // Interim answers are the client's to see (HS-12).
    { entry: hasty, relaysInterim: true },
  ),
  told(
    'half a head, and nothing more',
    [whenAsked(({ say }) => say('HTTP/1.1 200 OK\r\nContent-Le'))],
    late('response'),
    {
      entry: hasty,
    },
  ),
  told(
    'half a head, and the end',
    [whenAsked(({ socket }) => void socket.end(`HTTP/1.1 200 OK\r\nX: ${secret}`)), inOrder],
    lost,
  ),
  told(
    'an answer that comes after the time for it',
    [whenAsked((visit) => void setTimeout(visit.answer, 2500).unref())],
    late('response'),
    { entry: hasty },
  ),
  told(
    'a TLS alert',
    [whenAsked(({ say }) => say('\x15\x03\x03\x00\x02\x02\x28'))],
    invalid(/not an HTTP\/1\.1 message$/),
  ),
  told(
    'HTTP/2 frames',
    [whenAsked(({ say }) => say('\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64'))],
    invalid(/not an HTTP\/1\.1 message$/),
  ),
  told(
    'random octets for ever',
    [whenAsked(({ drip }) => drip(forEver('\xfe\x00\x13\x37'.repeat(500)), 1))],
    invalid(/not an HTTP\/1\.1 message$/),
  ),
  told(
    'it sends the request back',
    [whenAsked(({ say }) => say(`GET /fault HTTP/1.1\r\nHost: ${secret}\r\n\r\n`))],
    invalid(/not an HTTP\/1\.1 message$/),
  ),
  told(
    'an upgrade that nobody asked for, and then HTTP',
    [
      whenAsked(({ say }) =>
        say(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${secret}\r\n\r\n${evil}`),
      ),
    ],
    invalid(/UND_ERR_SOCKET|closed the connection|upgrade/),
  ),
  told(
    '500, always',
    [
      whenAsked(({ say, over }) => {
        say('HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops')
        over()
      }),
    ],
    served('oops', 500),
  ),
  told(
    '503 of its own, and the other is not asked',
    [
      whenAsked(({ say, over }) => {
        say('HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy')
        over()
      }),
      inOrder,
    ],
    served('busy', 503),
  ),
]

/** The head is good. */
export const streamFaults: readonly Fault[] = [
  told(
    'a head, and nothing more',
    [whenAsked(({ say }) => say('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n'))],
    broken('', 'upstream_timeout', /timeouts\.idle, got none$/),
    { entry: hasty, stays: false },
  ),
  told(
    'half of the content, and nothing more',
    [whenAsked(({ say }) => say('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n/fa'))],
    broken('/fa', 'upstream_timeout', /timeouts\.idle, got none$/),
    { entry: hasty, stays: false },
  ),
  told(
    'a chunk, and nothing more',
    [whenAsked(({ say }) => say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n/fa\r\n'))],
    broken('/fa', 'upstream_timeout', /timeouts\.idle, got none$/),
    { entry: hasty, stays: false },
  ),
  ...(['end', 'resetAndDestroy'] as const).flatMap((end) =>
    (['Content-Length: 6\r\n\r\n/fa', 'Transfer-Encoding: chunked\r\n\r\n3\r\n/fa\r\n'] as const).map((text) =>
      told(
        `${end === 'end' ? 'the end' : 'a reset'} in the middle of ${text.startsWith('C') ? 'the length' : 'the chunks'}`,
        [
          whenAsked(({ socket, say }) => {
            say(`HTTP/1.1 200 OK\r\n${text}`)
            // Later, so that the head has gone out.
            setTimeout(() => socket[end](), 100)
          }),
          inOrder,
        ],
        broken('/fa', 'upstream_invalid', /closed the connection/),
        { stays: false },
      ),
    ),
  ),
  told(
    'chunks that are none, behind one that is',
    [
      whenAsked(({ say }) => {
        say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n/fa\r\n')
        setTimeout(() => say(secret), 100)
      }),
    ],
    broken('/fa', 'upstream_invalid', /not an HTTP\/1\.1 message$/),
    { stays: false },
  ),
  told(
    'content an octet at a time, longer than any timeout',
    [
      whenAsked(({ say, drip }) => {
        say('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n')
        drip('a'.repeat(20), 50)
      }),
    ],
    served('a'.repeat(20)),
    { entry: hasty },
  ),
  told(
    'two answers at once',
    [
      whenAsked(({ say, answer }) => {
        answer()
        say(evil)
      }),
    ],
    served(),
  ),
  told(
    'an answer, and the end of the connection right behind it',
    [
      whenAsked(
        ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n/fault', () => socket.destroy()),
      ),
    ],
    served(),
    { asking: 'POST' },
  ),
]
