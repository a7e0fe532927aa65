import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { hold, startReplicated } from '../support/replicas.ts'
import { startUpstream } from '../support/upstream.ts'

test('round_robin: two and three replicas get as many requests each, in turn', async (t) => {
  for (const count of [2, 3]) {
    const upstreams = await Promise.all(
      Array.from({ length: count }, (_, i) => startUpstream(t, (_request, response) => response.end(String(i)))),
    )
    const { url } = await startReplicated(
      t,
      upstreams.map((one) => one.url),
    )
    let turns = ''
    for (let i = 0; i < 4 * count; i++) turns += await (await fetch(`${url}/${i}`)).text()
    assert.equal(turns, '012'.slice(0, count).repeat(4))
  }
})

test('round_robin: each replica has its own base path and its own Host', async (t) => {
  const [a, b] = await Promise.all([startUpstream(t), startUpstream(t)])
  const { url } = await startReplicated(t, [`${a.url}/v1`, `${b.url}/other/`])
  for (const [upstream, target] of [
    [a, '/v1/x?y=1'],
    [b, '/other/x?y=1'],
  ] as const) {
    assert.equal((await fetch(`${url}/x?y=1`)).status, 200)
    const [seen] = upstream.seen
    assert.deepEqual(
      [seen?.target, ...(seen?.rawHeaders.slice(0, 2) ?? [])],
      [target, 'host', `127.0.0.1:${upstream.port}`],
    )
  }
})

test('least_pending: whoever is slow gets fewer', async (t) => {
  const slow = hold()
  const [a, b] = await Promise.all([
    startUpstream(t, slow.listener),
    startUpstream(t, (_request, response) => response.end('fast')),
  ])
  const { url } = await startReplicated(t, [a.url, b.url], { balance: 'least_pending' })
  const first = fetch(`${url}/0`)
  await eventually('the slow one is busy', () => slow.waiting.length === 1)
  for (let i = 1; i <= 10; i++) assert.equal(await (await fetch(`${url}/${i}`)).text(), 'fast')
  slow.answer()
  assert.equal((await first).status, 200)
  assert.equal(a.connections(), 1)
})

test('a replica whose health check fails gets no request, and without any it is 502 at once', async (t) => {
  let good = true
  const health = { path: '/healthz', interval: '100ms', timeout: '2s', healthy: 1, unhealthy: 1 }
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) =>
      startUpstream(t, (request, response) => {
        if (request.url === '/healthz') response.statusCode = name === 'a' ? 503 : good ? 204 : 500
        response.end(name)
      }),
    ),
  )
  assert.ok(a && b)
  const { url } = await startReplicated(t, [a.url, b.url], { health_check: health })
  const bodies = async (): Promise<string> => {
    let all = ''
    for (let i = 0; i < 4; i++) all += await (await fetch(`${url}/`)).text()
    return all
  }
  await eventually('all go to the other', async () => (await bodies()) === 'bbbb')
  assert.ok(a.seen.some(({ target }) => target === '/healthz'))
  good = false
  await eventually('nobody is left', async () => {
    const response = await fetch(`${url}/`)
    return response.status === 502 && (await response.text()).includes('"reason":"upstream_unreachable"')
  })
})
