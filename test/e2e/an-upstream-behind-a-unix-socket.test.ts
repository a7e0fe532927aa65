import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startReplicated } from '../support/replicas.ts'

test('`unix:` is an upstream: Host is localhost, and one that is not there is 502', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-unix-'))
  const path = join(folder, 'api.sock')
  const server = createServer((request, response) => response.end(`${request.headers.host} ${request.url}`))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  })
  const { url } = await startReplicated(t, [`unix:${path}`])
  for (let i = 0; i < 2; i++) assert.equal(await (await fetch(`${url}/a/b?c=d`)).text(), 'localhost /a/b?c=d')
  const nobody = await startReplicated(t, [`unix:${folder}/nobody.sock`])
  const response = await fetch(`${nobody.url}/`)
  assert.equal(response.status, 502)
  assert.match(await response.text(), /"reason":"upstream_unreachable"/)
})
