import assert from 'node:assert/strict'
import { Agent, createServer, get, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startReplicated } from '../support/replicas.ts'

/** An upstream that can die: every connection and the port with it. */
const startMortal = async (t: TestContext, answer: RequestListener) => {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const die = (): void => {
    server.close()
    server.closeAllConnections()
  }
  t.after(die)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, die }
}

test('HS-16: a replica dies under load, and no GET fails', async (t) => {
  let doomedRequests = 0
  const [good, doomed] = await Promise.all([
    startMortal(t, (_request, response) => {
      setImmediate(() => response.end('good'))
    }),
    startMortal(t, (_request, response) => {
      doomedRequests++
      // Some are in flight when it dies.
      setTimeout(() => response.end('doomed'), 3)
    }),
  ])
  const { port } = await startReplicated(t, [good.url, doomed.url], { ejection: { failures: 5, duration: '200ms' } })
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  t.after(() => agent.destroy())
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = get({ port, host: '127.0.0.1', path: '/x', agent }, (response) => {
        let text = `${response.statusCode} `
        response.setEncoding('latin1')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve(text))
      })
      request.on('error', reject)
    })
  const answers = new Map<string, number>()
  let over = false
  const work = async (): Promise<void> => {
    while (!over) {
      const answer = await ask()
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  }
  const workers = Array.from({ length: 20 }, work)
  await eventually('both are busy', () => doomedRequests > 200)
  doomed.die()
  const then = answers.get('200 good') ?? 0
  await eventually('it goes on', () => (answers.get('200 good') ?? 0) > then + 500)
  over = true
  await Promise.all(workers)
  assert.deepEqual([...answers.keys()].sort(), ['200 doomed', '200 good'])
})
