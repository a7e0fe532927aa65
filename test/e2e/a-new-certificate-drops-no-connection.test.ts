import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { certificateFiles, secretVolume } from '../support/certificate-files.ts'
import { eventually } from '../support/eventually.ts'
import { followFiles } from '../support/follow-files.ts'
import { startGateway } from '../support/gateway.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes, wholeAnswer } from '../support/raw-http.ts'
import { type SpiedOptions, startSpied } from '../support/spy.ts'
import { type Identity, issue } from '../support/tls.ts'
import { converseOverTls, type TlsConversation } from '../support/tls-client.ts'

const ca = issue('test ca', { ca: true })
const end = (seconds: number): Date => new Date(seconds * 1000)
const old = issue('gateway', { by: ca, notAfter: end(2_000_000_001) })
const next = issue('gateway', { by: ca, notAfter: end(2_000_000_002) })
const contents = ({ cert, key }: Identity) => ({ 'tls.crt': cert, 'tls.key': key })

const get = (path: string): Buffer =>
  requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: gw.test', `Authorization: Bearer ${liveToken()}`])

const shows = ({ socket }: TlsConversation, { der }: Identity): boolean =>
  socket.getPeerX509Certificate()?.raw.equals(der) ?? false

/** Whether a handshake from now on gets this certificate. */
const newConnectionShows = async (t: TestContext, port: number, identity: Identity): Promise<boolean> => {
  const client = await converseOverTls(t, port, ca)
  const shown = shows(client, identity)
  client.socket.destroy()
  return shown
}

const start = async (t: TestContext, tls: Readonly<Record<string, string>>, options: SpiedOptions = {}) => {
  const stage = await startSpied(t, { ...options, listen: { tls } })
  followFiles(t, stage)
  return stage
}

test('a Secret that Kubernetes swaps: new handshakes get the new certificate, what is open goes on with the old one', async (t) => {
  const { path, swap } = secretVolume(t, contents(old))
  let download: Socket | undefined
  const stage = await start(
    t,
    { certificate: path('tls.crt'), key: path('tls.key') },
    {
      answer: ({ line }, socket) => {
        if (!line.includes('/download')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
        download = socket
        return 'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nbefore the swap'
      },
    },
  )
  assert.match(
    await stage.metrics(),
    /^audgate_tls_certificate_not_after_timestamp_seconds\{name="listen"\} 2000000001$/m,
  )
  const [kept, streaming] = await Promise.all([converseOverTls(t, stage.port, ca), converseOverTls(t, stage.port, ca)])
  kept.say(get('1'))
  await kept.hear('the first answer', wholeAnswer)
  streaming.say(get('download'))
  await streaming.hear('half of it', (text) => text.endsWith('before the swap'))

  swap(contents(next))
  await eventually('the new certificate', () => newConnectionShows(t, stage.port, next))

  kept.say(get('2'))
  await kept.hear('the second answer', (text) => text.split('HTTP/1.1 200').length === 3 && text.endsWith('ok'))
  download?.write('behind the swap')
  await streaming.hear('the rest', (text) => text.endsWith('before the swapbehind the swap'))
  assert.ok(shows(kept, old) && shows(streaming, old))
  assert.ok(!kept.closed() && !streaming.closed())
  assert.match(
    await stage.metrics(),
    /^audgate_tls_certificate_not_after_timestamp_seconds\{name="listen"\} 2000000002$/m,
  )
  const told = (await stage.log()).filter(({ certificate }) => certificate !== undefined)
  assert.deepEqual(
    told.map(({ certificate, level }) => [certificate, level]),
    [['listen', 'info']],
  )
})

test('a certificate written before its key, and one that is half there, leave the old pair until all is whole', async (t) => {
  const files = certificateFiles(t)
  const stage = await start(t, files.identity('tls', old))
  const told = async () =>
    (await stage.log()).filter(({ certificate, level }) => certificate === 'listen' || level === 'error')
  files.write('tls.crt', next.cert)
  await eventually('a pair that does not fit is told', async () => (await told()).length === 2)
  assert.ok(await newConnectionShows(t, stage.port, old))
  files.write('tls.key', next.key.slice(0, 100))
  await eventually('half a key is told', async () => (await told()).length === 4)
  assert.ok(await newConnectionShows(t, stage.port, old))
  files.write('tls.key', next.key)
  await eventually('the new certificate', () => newConnectionShows(t, stage.port, next))
  assert.deepEqual(
    (await told()).map(({ level, msg }) => [level, msg]),
    [
      ['error', 'this is not the private key of the certificate'],
      ['error', 'config not reloaded: the one before goes on'],
      [
        'error',
        `the file \`${files.path('tls.key')}\` holds no private key in PEM form that can be read without a passphrase`,
      ],
      ['error', 'config not reloaded: the one before goes on'],
      ['info', 'certificate loaded again'],
    ],
  )
  const outputs = [await stage.logText(), await (await fetch(`http://127.0.0.1:${stage.adminPort}/config`)).text()]
  const secrets = [old, next].flatMap(({ key }) => key.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line)))
  assert.ok(secrets.length >= 4)
  for (const secret of secrets) for (const output of outputs) assert.ok(!output.includes(secret))
})

test('another CA of client certificates: those of the old one get no answer on a new connection', async (t) => {
  const files = certificateFiles(t)
  const [before, after] = [issue('old client ca', { ca: true }), issue('new client ca', { ca: true })]
  const [oldClient, newClient] = [issue('old client', { by: before }), issue('new client', { by: after })]
  files.write('ca.crt', before.cert)
  const stage = await start(t, {
    ...files.identity('tls', old),
    client_certificates: 'require',
    client_ca: files.path('ca.crt'),
  })
  const answered = async (own: Identity): Promise<boolean> => {
    const client = await converseOverTls(t, stage.port, ca, { own })
    client.say(get('1'))
    await eventually('an answer or the end', () => client.closed() || wholeAnswer(client.text()))
    const good = client.text().startsWith('HTTP/1.1 200 ')
    client.socket.destroy()
    return good
  }
  const open = await converseOverTls(t, stage.port, ca, { own: oldClient })
  open.say(get('1'))
  await open.hear('its answer', wholeAnswer)
  assert.equal(await answered(newClient), false)
  files.write('ca.crt', after.cert)
  await eventually('the new CA counts', () => answered(newClient))
  assert.equal(await answered(oldClient), false)
  open.say(get('2'))
  await open.hear('an answer on the open connection', (text) => text.split('HTTP/1.1 200').length === 3)
})

test('MT-3: CAs of client certificates that come and go with the config count for new connections', async (t) => {
  const files = certificateFiles(t)
  const own = issue('client', { by: issue('client ca', { ca: true }) })
  files.write('ca.crt', ca.cert)
  const identity = files.identity('tls', old)
  const map = { 'http://127.0.0.1:9': { resource: ORDERS, name: 'orders', at: '/orders' } }
  const yaml = `${issuerYaml()}upstreams: ${JSON.stringify(map)}\n`
  const stage = await startGateway(t, yaml, { tls: { ...identity, client_certificates: 'require' } })
  const letIn = async (): Promise<boolean> => {
    const client = await converseOverTls(t, stage.port, ca, { own })
    client.say(get('1'))
    await eventually('an answer or the end', () => client.closed() || client.text().startsWith('HTTP/1.1 '))
    client.socket.destroy()
    return client.text().startsWith('HTTP/1.1 ')
  }
  const seen = [await letIn()]
  for (const clientCa of [files.path('ca.crt'), undefined]) {
    const tls = { ...identity, client_certificates: 'require', client_ca: clientCa }
    await stage.reload(yaml, (text) => text.replace(/"tls":\{[^}]*\}/, `"tls":${JSON.stringify(tls)}`))
    seen.push(await letIn())
  }
  assert.deepEqual(seen, [true, false, true])
})

test('SIGHUP looks at once, where no event and no minute would', async (t) => {
  const files = certificateFiles(t)
  const map = { 'http://127.0.0.1:9': { resource: ORDERS, name: 'orders' } }
  const yaml = `${issuerYaml()}upstreams: ${JSON.stringify(map)}\n`
  const stage = await startGateway(t, yaml, { tls: files.identity('tls', old) })
  const { now } = followFiles(t, stage, createManualClock())
  // The look at the start may be the one that sees the first.
  for (const identity of [next, old]) {
    files.identity('tls', identity)
    now()
    await eventually('the new certificate', () => newConnectionShows(t, stage.port, identity))
  }
})
