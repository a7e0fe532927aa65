import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  authorizationUrl,
  REDIRECT_URI,
  startTestAuthorizationServer,
  type TestAuthorizationServer,
} from '../support/authorization-server.ts'
import { createBrowser } from '../support/browser.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing?a=1&b="2"'

let server: TestAuthorizationServer

before(async () => {
  server = await startTestAuthorizationServer({
    resources: { [ORDERS]: ['orders:read', 'orders:write'], [BILLING]: ['billing:read'] },
    roles: { clerk: { [ORDERS]: ['orders:read'], [BILLING]: ['billing:read'] } },
    users: { alice: ['clerk'], '<b>bob</b>': [] },
    issuerPath: '/oidc',
  })
})

after(() => server.close())

const open = (request = { resource: [ORDERS, BILLING], scope: 'orders:read orders:write billing:read' }) => {
  const browser = createBrowser(REDIRECT_URI)
  return { browser, first: browser.open(authorizationUrl(server.issuer, request).url) }
}

test('the login page lists the users and the resources asked for, everything escaped, no script', async () => {
  const page = await open().first

  assert.equal(page.status, 200)
  assert.match(page.html, /<button name="login" value="alice">alice<\/button>/)
  assert.match(page.html, /&lt;b&gt;bob&lt;\/b&gt;/)
  assert.match(page.html, /<code>https:\/\/api\.example\.com\/billing\?a=1&amp;b=&quot;2&quot;<\/code>/)
  assert.doesNotMatch(page.html, /<script|<b>/)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
})

test('the consent page says who asks for which scopes of which resource, and what the roles do not permit', async () => {
  const { browser, first } = open()
  const page = await browser.press(await first, 'login', 'alice')

  assert.match(page.html, /<strong>web<\/strong> asks to act for <strong>alice<\/strong>/)
  assert.match(page.html, /<code>orders:read<\/code><\/li>/)
  assert.match(page.html, /<code>orders:write<\/code> &ndash; not permitted/)
  assert.match(page.html, /<code>billing:read<\/code><\/li>/)
})

test('cancel on either page sends the user back with access_denied', async () => {
  const { browser, first } = open()
  const atLogin = await browser.press(await first, 'cancel', 'yes')
  assert.equal(new URL(atLogin.url).searchParams.get('error'), 'access_denied')

  const again = open()
  const consent = await again.browser.press(await again.first, 'login', 'alice')
  const atConsent = await again.browser.press(consent, 'cancel', 'yes')
  assert.equal(new URL(atConsent.url).searchParams.get('error'), 'access_denied')
})

test('the second visit in one browser goes without login, until the user signs out', async () => {
  const { browser, first } = open()
  const consent = await browser.press(await first, 'login', 'alice')
  await browser.press(consent, 'consent', 'allow')

  const { url } = authorizationUrl(server.issuer, { resource: [ORDERS], scope: 'orders:read' })
  const second = await browser.open(url)
  assert.match(second.html, /asks to act for <strong>alice<\/strong>/)

  const signOut = await browser.open(`${server.issuer}/session/end`)
  assert.match(signOut.html, /<button form="op.logoutForm" name="logout" value="yes">/)
  const [, action = '', xsrf = ''] = /action="([^"]+)".*name="xsrf" value="([^"]+)"/.exec(signOut.html) ?? []
  assert.match((await browser.submit(action, { xsrf, logout: 'yes' })).html, /Signed out/)
  assert.match((await browser.open(url)).html, /name="login"/)
})

test('signing out ends the session in the browser, not the refresh token', async () => {
  const browser = createBrowser(REDIRECT_URI)
  const { url, verifier } = authorizationUrl(server.issuer, { resource: [ORDERS], scope: 'orders:read' })
  const consent = await browser.press(await browser.open(url), 'login', 'alice')
  const back = await browser.press(consent, 'consent', 'allow')
  const { refresh_token = '' } = await server.token({
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: REDIRECT_URI,
    code: new URL(back.url).searchParams.get('code') ?? '',
    code_verifier: verifier,
  })
  const signOut = await browser.open(`${server.issuer}/session/end`)
  const [, action = '', xsrf = ''] = /action="([^"]+)".*name="xsrf" value="([^"]+)"/.exec(signOut.html) ?? []
  await browser.submit(action, { xsrf, logout: 'yes' })

  assert.equal((await server.refresh(refresh_token, { resource: ORDERS })).status, 200)
})

test('cookies are signed, out of reach of scripts, and not sent along from other sites', async () => {
  const { url } = authorizationUrl(server.issuer, { resource: [ORDERS] })
  const response = await fetch(url, { redirect: 'manual' })
  const cookies = response.headers.getSetCookie()

  assert.ok(cookies.some((cookie) => cookie.startsWith('_interaction.sig=')))
  for (const cookie of cookies) assert.match(cookie, /samesite=lax; httponly/i)
})

test('a form sent without the cookie of this browser is refused', async () => {
  const page = await open().first
  const stranger = await fetch(page.url, { method: 'POST', body: new URLSearchParams({ login: 'alice' }) })

  assert.equal(stranger.status, 400)
  assert.match(await stranger.text(), /expired/)
})

test('an unknown user cannot be picked, and what is no answer is not consent', async () => {
  const { browser, first } = open()
  const { url, ...page } = await first
  assert.equal((await browser.submit(url, { login: 'root' })).status, 400)
  assert.equal((await browser.submit(url, { consent: 'allow' })).status, 400)

  const consent = await browser.press({ url, ...page }, 'login', 'alice')
  assert.equal((await browser.submit(consent.url, { login: 'alice' })).status, 400)
  assert.equal((await browser.submit(consent.url, { consent: 'allow', padding: 'x'.repeat(5000) })).status, 400)
  assert.match((await browser.press(consent, 'consent', 'allow')).url, /[?&]code=/)
})

test('a request that cannot be redirected back shows an error page', async () => {
  const response = await fetch(`${server.issuer}/auth?client_id=%3Ci%3Enobody`, { headers: { accept: 'text/html' } })
  const html = await response.text()

  assert.equal(response.status, 400)
  assert.match(html, /invalid_client/)
  assert.doesNotMatch(html, /<i>/)
})
