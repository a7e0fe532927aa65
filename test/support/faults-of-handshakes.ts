import type { Fault, FaultOutcome } from './fault-case.ts'
import { hasty, invalid, late, lost, served, told, unreachable } from './fault-outcomes.ts'
import { blocked, refusing } from './faulty-connections.ts'
import { drop, evil, inOrder, overTcp, reset, secret, silence, type Visit, whenAsked } from './faulty-upstream.ts'
import { frame, switchingHead } from './websocket.ts'

/** Behind a handshake no connection goes on as HTTP (H1-28). */
const handshake = { asking: 'handshake', stays: false } as const

/** The tunnel opened; it is over now. */
const tunnel = (detail: RegExp | ''): FaultOutcome => ({
  status: 101,
  reason: 'none',
  detail,
  content: '',
  broken: false,
})

const open =
  (then: (visit: Visit) => void) =>
  (visit: Visit): void => {
    visit.say(switchingHead())
    // Later, so that it is the tunnel that it happens to.
    setTimeout(() => then(visit), 100)
  }

/** What becomes of a WebSocket. */
export const handshakeFaults: readonly Fault[] = [
  told('a handshake, and nobody listens', [refusing], unreachable(/ECONNREFUSED$/), { ...handshake, contacts: 0 }),
  told('a handshake, and the connection hangs', [blocked], late('connect'), {
    ...handshake,
    entry: hasty,
    contacts: 0,
    mends: false,
  }),
  told('a handshake that is dropped', [whenAsked(drop)], lost, handshake),
  told('a handshake that is reset', [whenAsked(reset)], lost, handshake),
  told('a handshake without an answer', [whenAsked(silence)], late('response'), { ...handshake, entry: hasty }),
  told(
    'a handshake with half of an answer',
    [whenAsked(({ say }) => say(switchingHead().slice(0, 50)))],
    late('response'),
    {
      ...handshake,
      entry: hasty,
    },
  ),
  told(
    'a handshake with half of an answer, and the end',
    [whenAsked(({ socket }) => void socket.end(switchingHead().slice(0, 50)))],
    lost,
    handshake,
  ),
  told('a handshake that is answered as if it were none', [whenAsked((visit) => visit.answer())], served(), handshake),
  told(
    'a handshake to something else',
    [whenAsked(({ say }) => say(switchingHead().replace('websocket', secret)))],
    invalid(/upgrade: /),
    handshake,
  ),
  told(
    'a handshake whose 101 is none, and a second answer behind it',
    [whenAsked(({ say }) => say(`HTTP/1.1 101 Switching Protocols\r\n\r\n${evil}`))],
    invalid(/upgrade: /),
    handshake,
  ),
  told('a tunnel that is reset', [whenAsked(open(reset))], tunnel(/broken off by the upstream$/), handshake),
  told(
    'a tunnel that is reset in the middle of a frame',
    [
      whenAsked(
        open((visit) => {
          visit.socket.write(frame(2, Buffer.alloc(1000), { masked: false }).subarray(0, 500))
          setTimeout(() => reset(visit), 50)
        }),
      ),
    ],
    tunnel(/broken off by the upstream$/),
    handshake,
  ),
  told('a tunnel that ends', [whenAsked(open(({ socket }) => void socket.end()))], tunnel(''), handshake),
  told('a tunnel on which nothing is said', [whenAsked(open(silence))], tunnel(''), {
    ...handshake,
    entry: { websocket: { idle: '1s' } },
  }),
  told(
    'a handshake as its connection is closed: a new one is opened',
    [
      overTcp({
        asked: (visit) => (visit.connection === 0 ? drop(visit) : open(({ socket }) => void socket.end())(visit)),
      }),
    ],
    tunnel(''),
    { ...handshake, primed: 1, contacts: 2 },
  ),
  told('a handshake, and nobody listens at one of two', [refusing, inOrder], served(), handshake),
]
