import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startSampleApi } from '../../src/dev/sample-apis.ts'
import { freePort } from '../support/free-port.ts'

const options = (url: string) => ({
  url,
  name: 'orders',
  identityHeaders: ['X-Auth-Subject'],
  configKey: 'dev.apis[0]',
})

test('a sample API echoes method, path and identity, has data, and never repeats a token', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`
  const api = await startSampleApi(options(`${url}/v1`))
  t.after(() => api.close())

  const response = await fetch(`${url}/v1/42?x=1`, {
    headers: { 'x-auth-subject': 'alice', 'x-other': 'other', authorization: 'Bearer secret.token.value' },
  })
  const text = await response.text()
  const { data, ...echo } = JSON.parse(text)
  assert.equal(response.status, 200)
  assert.deepEqual(echo, {
    api: 'orders',
    method: 'GET',
    path: '/v1/42?x=1',
    identity: { 'X-Auth-Subject': 'alice' },
    authorization: 'forwarded',
    bytes_received: 0,
  })
  assert.equal(data[0].id, '42')
  assert.doesNotMatch(text, /secret/)
})

test('a sample API answers POST with 201 and counts the body, and asks for no token', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`
  const api = await startSampleApi(options(url))
  t.after(() => api.close())

  const response = await fetch(url, { method: 'POST', body: '{"item":"tea"}' })
  assert.equal(response.status, 201)
  const { bytes_received, authorization } = (await response.json()) as Record<string, unknown>
  assert.deepEqual({ bytes_received, authorization }, { bytes_received: 14, authorization: 'not forwarded' })
})

test('a taken port is an error that names the address and the config key', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`
  const api = await startSampleApi(options(url))
  t.after(() => api.close())

  await assert.rejects(startSampleApi(options(url)), {
    message: `cannot listen on ${url.slice(7)} (config key dev.apis[0]): the port is taken by another process`,
  })
})

for (const url of ['https://127.0.0.1:4501', 'http://api.example.com', 'http://0.0.0.0:4501', 'unix:/run/api']) {
  test(`a sample API is not started at ${url}: plain http on this machine only`, async () => {
    await assert.rejects(startSampleApi(options(url)), /^Error: dev\.apis\[0\]: a sample API needs an address like/)
  })
}
