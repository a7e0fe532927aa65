import type { ServerResponse } from 'node:http'

/**
 * Calls `closed` when the response is over: it is sent, or nobody is there any more to read it. Watched by one at a time.
 *
 * A closure as the listener would outlive its request, and with it all that it knows of, until the next full collection:
 * where V8 compiles it together with Node's `on`, it is made in the old generation, as the lists of listeners are in
 * which it may come to stand. Those of connections live long. So all responses share a listener.
 */
export const watchClose = (response: Watched, closed: () => void): void => {
  response[onClosed] = closed
  response.on('close', tell)
}

/** Does not call it any more. */
export const unwatchClose = (response: Watched): void => {
  response.off('close', tell)
}

interface Watched extends ServerResponse {
  [onClosed]?: () => void
}

const onClosed: unique symbol = Symbol('onClosed')

function tell(this: Watched): void {
  this[onClosed]?.()
}
