import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { certificateFiles } from '../support/certificate-files.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { issue } from '../support/tls.ts'
import { at, manifestsOf, only, render, requireHelms, run } from './chart.ts'

const nothing = 'issuers: {}\nupstreams: {}\n'

/**
 * Runs what the pod of `helm test` runs, with this Node in place of the image's: exit status and output. Undefined, and a
 * skipped test, where helm is missing.
 */
const requirePod = async (t: TestContext) => {
  const [helm] = requireHelms(t)
  if (!helm) return undefined
  const command = at(only('Pod', await render(helm)), 'spec.containers.0.command')
  assert.ok(Array.isArray(command) && command[0] === '/nodejs/bin/node')
  return (traffic: string, admin = '', certificates = 'ignore') => {
    const env = { ...process.env, TRAFFIC: traffic, ADMIN: admin, CLIENT_CERTIFICATES: certificates }
    return run(process.execPath, command.slice(1), '', env)
  }
}

test('CT-1: helm test passes on a gateway that refuses everything', async (t) => {
  const pod = await requirePod(t)
  if (!pod) return
  const { url, adminPort } = await startGateway(t, nothing)
  const { status, stdout } = await pod(url, `http://127.0.0.1:${adminPort}`)
  assert.deepEqual(stdout.match(/^(?:NOT OK|ok) [a-z ]+/gm), [
    'ok the process answers ',
    'ok a malformed target is refused ',
  ])
  assert.equal(status, 0)
})

test('helm test passes where everything is public: what it asks for is refused all the same', async (t) => {
  const pod = await requirePod(t)
  if (!pod) return
  const entry = '{ resource: https://api.example.com/orders, at: /, routes: { "/**": public } }'
  const { url } = await startGateway(t, `issuers: {}\nupstreams: { "http://127.0.0.1:9": ${entry} }\n`)
  assert.equal((await pod(url)).status, 0)
})

test('helm test passes behind TLS, also where no connection is taken without a client certificate', async (t) => {
  const pod = await requirePod(t)
  if (!pod) return
  const files = certificateFiles(t).identity('gateway', issue('gateway'))
  for (const wanted of ['ignore', 'require']) {
    const { port } = await startGateway(t, nothing, { tls: { ...files, client_certificates: wanted } })
    assert.equal((await pod(`https://127.0.0.1:${port}`, '', wanted)).status, 0, wanted)
  }
})

test('helm test fails where nothing listens, and where something else answers', async (t) => {
  const pod = await requirePod(t)
  if (!pod) return
  const { url, adminPort } = await startGateway(t, nothing)
  const admin = `http://127.0.0.1:${adminPort}`
  const nobody = `http://127.0.0.1:${await freePort()}`
  assert.equal((await pod(nobody, admin)).status, 1)
  assert.equal((await pod(nobody, admin, 'require')).status, 1)
  assert.equal((await pod(url, nobody)).status, 1)
  assert.equal((await pod(admin, admin)).status, 1)
})

test('CH-6: no Service takes the pod of helm test for one of the gateway', async (t) => {
  for (const helm of requireHelms(t)) {
    const rendered = await render(helm)
    const labels = only('Pod', rendered).metadata.labels ?? {}
    for (const service of manifestsOf(rendered).filter(({ kind }) => kind === 'Service')) {
      const selector = Object.entries(at(service, 'spec.selector') ?? {})
      assert.ok(selector.some(([name, value]) => labels[name] !== value))
    }
  }
})
