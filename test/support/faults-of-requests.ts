import type { Fault } from './fault-case.ts'
import { hasty, late, lost, served, told } from './fault-outcomes.ts'
import { drop, inOrder, overTcp, reset, silence, whenAsked } from './faulty-upstream.ts'

/** It has the request, or a part of it. */
export const requestFaults: readonly Fault[] = [
  told('it closes with the request', [whenAsked(drop)], lost),
  told('it resets with the request', [whenAsked(reset)], lost),
  told('it closes with a HEAD', [whenAsked(drop)], lost, { asking: 'HEAD' }),
  told('it closes with the request, one of two', [whenAsked(drop), inOrder], served(), { contacts: 2 }),
  told('it resets with a PUT without content, one of two', [whenAsked(reset), inOrder], served(), {
    asking: 'PUT',
    contacts: 2,
  }),
  told('it resets with a POST, one of two', [whenAsked(reset), inOrder], lost, { asking: 'POST' }),
  told('both close with the request', [whenAsked(drop), whenAsked(drop)], lost, { contacts: 2 }),
  told(
    'it closes as the next request comes on its connection, and a new one is served',
    [overTcp({ asked: (visit) => (visit.connection === 0 ? drop(visit) : visit.answer()) })],
    served(),
    { primed: 1, contacts: 2 },
  ),
  told(
    'it closes as a POST comes on its connection: it is delivered once',
    [overTcp({ asked: (visit) => (visit.connection === 0 ? drop(visit) : visit.answer()) })],
    lost,
    { primed: 1, asking: 'POST' },
  ),
  told('it closes on every connection, new or not', [whenAsked(drop)], lost, { primed: 1, contacts: 2 }),
  told(
    'it closes in the middle of the content',
    [whenAsked((visit) => visit.afterContent(half, () => drop(visit)))],
    lost,
    {
      asking: 'upload',
      stays: false,
    },
  ),
  told(
    'it resets in the middle of the content',
    [whenAsked((visit) => visit.afterContent(half, () => reset(visit)))],
    lost,
    { asking: 'upload', stays: false },
  ),
  told(
    'it stops reading in the middle of the content',
    [whenAsked(({ socket, afterContent }) => afterContent(half, () => void socket.pause()))],
    late('response'),
    { asking: 'upload', entry: hasty, stays: false },
  ),
  told(
    'it never reads',
    [
      overTcp({
        connected: (socket) => {
          socket.pause()
          return true
        },
      }),
    ],
    late('response'),
    { asking: 'upload', entry: hasty, contacts: 0, stays: false },
  ),
  told(
    'it answers in the middle of the content, and reads no more',
    [
      whenAsked(({ socket, say, afterContent }) =>
        afterContent(half, () => {
          socket.pause()
          say('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\n413')
        }),
      ),
    ],
    served('413', 413),
    { asking: 'upload', stays: false },
  ),
  told(
    'it answers before the content, and closes',
    [whenAsked(({ socket }) => void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n403'))],
    served('403', 403),
    { asking: 'upload', stays: false },
  ),
  told('it takes the content and says nothing', [whenAsked(silence)], late('response'), {
    asking: 'POST',
    entry: hasty,
  }),
]

/** What `upload` has of content, and half of what a faulty upstream wants of it. */
const half = 512 * 1024
