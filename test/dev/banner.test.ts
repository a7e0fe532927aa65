import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { banner } from '../../src/dev/banner.ts'

const line = {
  title: 'allowed read',
  method: 'GET',
  url: 'http://127.0.0.1:8080/orders/42',
  host: undefined,
  token: undefined,
  answer: '200',
  accessToken: 'a.b.c',
}

test('the table stands in columns, then a comment and a curl command for each request', () => {
  const text = banner({
    rows: [
      { where: 'http://127.0.0.1:8080/orders', what: 'orders' },
      { where: 'http://127.0.0.1:4500', what: 'authorization server' },
    ],
    lines: [line],
  })

  assert.equal(
    text,
    `  http://127.0.0.1:8080/orders  orders
  http://127.0.0.1:4500         authorization server

# allowed read: 200
curl -sS -i -H 'Authorization: Bearer a.b.c' 'http://127.0.0.1:8080/orders/42'

`,
  )
})

test('without a request to try the banner says why', () => {
  const text = banner({ rows: [{ where: 'x', what: 'y' }], lines: [] })

  assert.match(text, /^ {2}x {2}y\n\nNo requests to try: no client under `dev` has a secret/)
})

test('what is printed can be pasted into sh: each argument arrives as it was', () => {
  const text = banner({
    rows: [{ where: 'x', what: 'y' }],
    lines: [
      { ...line, method: 'POST', host: 'api.example.com', url: `http://127.0.0.1:8080/it's?a=$HOME&b=\`id\`` },
      { ...line, method: 'DELETE', accessToken: undefined },
    ],
  })
  const pasted = text.slice(text.indexOf('#'))
  const script = `curl() { for word in "$@"; do printf '%s\\n' "$word"; done; echo --; }\n${pasted}`

  assert.deepEqual(execFileSync('sh', { input: script }).toString().split('\n'), [
    '-sS',
    '-i',
    '-X',
    'POST',
    '-H',
    'Content-Type: application/json',
    '-d',
    '{"item":"tea"}',
    '-H',
    'Host: api.example.com',
    '-H',
    'Authorization: Bearer a.b.c',
    `http://127.0.0.1:8080/it's?a=$HOME&b=\`id\``,
    '--',
    '-sS',
    '-i',
    '-X',
    'DELETE',
    'http://127.0.0.1:8080/orders/42',
    '--',
    '',
  ])
})
