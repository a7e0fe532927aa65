import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFile } from '../support/audgate-process.ts'
import { certificateFiles } from '../support/certificate-files.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'
import { connected, presentAtAll, startReplicas, storeStory, unlessLate } from '../support/replica-gateways.ts'
import { issue } from '../support/tls.ts'

const ca = issue('ca of the store', { ca: true })
const PASSWORD = 'canary-pa55word'

test('operations 5.3: processes share used proofs over TLS, as a user who may do no more than that', async (t) => {
  const files = certificateFiles(t)
  const own = files.identity('redis', issue('redis', { by: ca }))
  files.write('ca.crt', ca.cert)
  const redis = await startRedis(
    t,
    ...['--tls-port', 'TLS_PORT', '--tls-cert-file', own.certificate, '--tls-key-file', own.key],
    ...['--tls-ca-cert-file', files.path('ca.crt'), '--tls-auth-clients', 'no'],
  )
  if (redis === undefined) return
  await redis.tell(`ACL SETUSER gateway on >${PASSWORD} ~ag:* +set +get +ping`, 'ACL SETUSER default off')
  const passwordFile = temporaryFile(t, 'password', 'canary-wrong\n')
  const stage = await startReplicas(t, 2, {
    url: `rediss://127.0.0.1:${redis.tlsPort}`,
    username: 'gateway',
    password_file: passwordFile,
    ca_file: files.path('ca.crt'),
  })
  // With a wrong password it is as if it were not there, and the log says why.
  for (const replica of stage.replicas) {
    await eventually('it is told', () => replica.told('store lost').length > 0)
    const [lost] = replica.told('store lost')
    assert.match(String(lost?.detail), /^127\.0\.0\.1:\d+: (?:it answered WRONGPASS|no connection in time)$/)
    assert.equal(await stage.present(replica), '503 store_unavailable')
    assert.equal((await replica.admin('/readyz')).status, 200)
  }
  // The right one is found without a restart.
  writeFileSync(passwordFile, `${PASSWORD}\n`)
  await connected(stage)
  await unlessLate(stage, async () => {
    assert.deepEqual(await presentAtAll(stage, stage.prove()), ['401 proof_replayed', 'passed'])
    const token = randomUUID()
    for (const replica of stage.replicas) assert.equal(await stage.presentOpaque(replica, token), 'passed')
    assert.equal(stage.issuer.tokens().filter((each) => each === token).length, 1)
  })
  for (const replica of stage.replicas) {
    await storeStory(replica, 'lost connected')
    const shown = `${replica.process.stdout()}${replica.process.stderr()}${(await replica.admin('/config')).text}`
    assert.ok(!shown.includes('canary'), 'no password is shown')
  }
})

test('a store that shows a certificate of somebody else is told nothing, and bound requests are 503', async (t) => {
  const files = certificateFiles(t)
  const own = files.identity('redis', issue('redis', { by: issue('another ca', { ca: true }) }))
  files.write('ca.crt', ca.cert)
  const redis = await startRedis(
    t,
    ...['--tls-port', 'TLS_PORT', '--tls-cert-file', own.certificate, '--tls-key-file', own.key],
    ...['--tls-ca-cert-file', own.certificate, '--tls-auth-clients', 'no'],
  )
  if (redis === undefined) return
  const stage = await startReplicas(t, 1, {
    url: `rediss://127.0.0.1:${redis.tlsPort}`,
    ca_file: files.path('ca.crt'),
  })
  for (const replica of stage.replicas) {
    await eventually('it is told', () => replica.told('store lost').length > 0)
    assert.equal(await stage.present(replica), '503 store_unavailable')
  }
  assert.equal(await redis.tell('DBSIZE'), ':0')
})
