import { freePort } from '../../support/free-port.ts'
import { isListening, launch, type Subject } from './subject.ts'

/** The pass-through of floor-proxy.ts, bundled like Audgate. */
export const startFloor = async (bundle: string, upstreamPort: number): Promise<Subject> => {
  const port = await freePort()
  return launch({
    command: process.execPath,
    args: [bundle, String(port), `http://127.0.0.1:${upstreamPort}`],
    port,
    ready: () => isListening(port),
  })
}
