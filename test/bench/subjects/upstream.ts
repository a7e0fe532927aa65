import { freePort } from '../../support/free-port.ts'
import { startNginxUpstream } from './nginx.ts'
import { isListening, launch, type Subject } from './subject.ts'

/** One upstream for all subjects: nginx where it is installed, because it takes the least from the machine. */
export const startUpstream = async (
  nginx: string | undefined,
  folder: string,
  nodeBundle: string,
): Promise<Subject> => {
  if (nginx !== undefined) return startNginxUpstream(nginx, folder)
  const port = await freePort()
  return launch({
    command: process.execPath,
    args: [nodeBundle, String(port)],
    port,
    ready: () => isListening(port),
  })
}
