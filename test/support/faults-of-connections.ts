import type { Fault } from './fault-case.ts'
import { hasty, late, lost, served, told, unreachable } from './fault-outcomes.ts'
import { blocked, nameless, refusing } from './faulty-connections.ts'
import { evil, inOrder, overTcp } from './faulty-upstream.ts'

/** There is no connection, or one that ends as it begins. */
export const connectionFaults: readonly Fault[] = [
  told('nobody listens', [refusing], unreachable(/ECONNREFUSED$/), { contacts: 0 }),
  told('nobody listens, and the request has content', [refusing], unreachable(/ECONNREFUSED$/), {
    asking: 'POST',
    contacts: 0,
  }),
  told('nobody listens at either of two', [refusing, refusing], unreachable(/ECONNREFUSED$/), { contacts: 0 }),
  told('nobody listens at one of two: what never left goes to the other', [refusing, inOrder], served(), {
    asking: 'POST',
  }),
  told(
    'nobody listens at one of two, and nothing is to be repeated',
    [refusing, inOrder],
    unreachable(/ECONNREFUSED$/),
    {
      entry: { retries: 0 },
      contacts: 0,
    },
  ),
  told('nobody has the name', [nameless], unreachable(/ENOTFOUND$/), { contacts: 0, mends: false }),
  told('the connection hangs', [blocked], late('connect'), { entry: hasty, contacts: 0, mends: false }),
  told('the connection hangs at one of two: the other has time left', [blocked, inOrder], served(), {
    asking: 'POST',
    entry: { timeouts: { connect: '300ms', response: '5s' } },
  }),
  ...(['closes at once', 'resets before it has read'] as const).flatMap((what) => {
    const closing = overTcp({
      connected: (socket) => {
        if (what === 'closes at once') socket.destroy()
        else socket.once('readable', () => socket.resetAndDestroy())
        return true
      },
    })
    return [
      told(`it ${what}`, [closing], lost, { contacts: 0 }),
      told(`it ${what}, one of two`, [closing, inOrder], served()),
      told(`it ${what}, one of two, and a POST may have been done`, [closing, inOrder], lost, {
        asking: 'POST',
        contacts: 0,
      }),
    ]
  }),
]

/** What it does to a connection that waits for the next request. */
export const idleFaults: readonly Fault[] = [
  told(
    'it closes its idle connection',
    [
      overTcp({
        primed: ({ socket, answer }) => {
          answer()
          setTimeout(() => socket.end(), 20)
        },
      }),
    ],
    served(),
    { primed: 1, restMs: 200, asking: 'POST' },
  ),
  told(
    'it resets its idle connection',
    [
      overTcp({
        primed: ({ socket, answer }) => {
          answer()
          setTimeout(() => socket.resetAndDestroy(), 20)
        },
      }),
    ],
    served(),
    { primed: 1, restMs: 200, asking: 'POST' },
  ),
  told(
    'it says 408 on its idle connection',
    [
      overTcp({
        primed: ({ socket, answer }) => {
          answer()
          setTimeout(() => socket.end(evil.replace('200 OK', '408 Request Timeout')), 20)
        },
      }),
    ],
    served(),
    { primed: 1, restMs: 200, asking: 'POST' },
  ),
  told(
    'it says an answer on its idle connection, and keeps it',
    [
      overTcp({
        primed: ({ say, answer }) => {
          answer()
          setTimeout(() => say(evil), 20)
        },
      }),
    ],
    served(),
    { primed: 1, restMs: 200, asking: 'POST' },
  ),
  told(
    'it says that it will close, and keeps the connection without a word',
    [overTcp({ primed: ({ say }) => say('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok') })],
    served(),
    { primed: 1, asking: 'POST' },
  ),
  told(
    'it says that it keeps the connection, and closes it behind the answer',
    [
      overTcp({
        primed: ({ socket }) =>
          void socket.end('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok', () =>
            socket.destroy(),
          ),
      }),
    ],
    served(),
    { primed: 1 },
  ),
]
