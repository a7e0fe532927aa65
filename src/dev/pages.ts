/** One resource on the consent page, with the scopes that were asked for and whether the user's roles permit them. */
export interface AskedResource {
  readonly indicator: string
  readonly scopes: readonly { readonly name: string; readonly permitted: boolean }[]
}

/** The page where one of the users of the `dev` block is picked. No passwords: this server is for development only. */
export const loginPage = ({
  client,
  users,
  asked,
}: {
  readonly client: string
  readonly users: readonly string[]
  readonly asked: readonly AskedResource[]
}): string =>
  page(
    'Sign in',
    `<p>The client <strong>${text(client)}</strong> asks for access to:</p>
${resourceList(asked, () => '')}
<form method="post">
<p>Continue as</p>
${users.map((user) => `<p><button name="login" value="${text(user)}">${text(user)}</button></p>`).join('\n')}
${CANCEL}
</form>`,
  )

/** The page where the user sees what was asked for, what the roles permit of it, and agrees. */
export const consentPage = ({
  client,
  user,
  asked,
  signOutUrl,
}: {
  readonly client: string
  readonly user: string
  readonly asked: readonly AskedResource[]
  readonly signOutUrl: string
}): string =>
  page(
    'Allow access',
    `<p>The client <strong>${text(client)}</strong> asks to act for <strong>${text(user)}</strong> at:</p>
${resourceList(asked, ({ permitted }) => (permitted ? '' : ' &ndash; not permitted by your roles, will be left out'))}
<form method="post">
<p><button name="consent" value="allow">Allow</button></p>
${CANCEL}
</form>
<p><a href="${text(signOutUrl)}">Sign out, to be somebody else</a></p>`,
  )

/** The page for what went wrong: the OAuth error and its description. */
export const errorPage = (error: Readonly<Record<string, unknown>>): string =>
  page(
    'This did not work',
    `<dl>${Object.entries(error)
      .map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(String(value))}</dd>`)
      .join('\n')}</dl>`,
  )

/** `form` is the Provider's own, already escaped, with the id `op.logoutForm`. */
export const signOutPage = (form: string): string =>
  page(
    'Sign out',
    `${form}
<p><button form="op.logoutForm" name="logout" value="yes">Sign out</button></p>
<p><button form="op.logoutForm">Stay signed in</button></p>`,
  )

export const signedOutPage = (): string => page('Signed out', '<p>You can close this page.</p>')

const CANCEL = '<p><button name="cancel" value="yes">Cancel</button></p>'

const resourceList = (
  asked: readonly AskedResource[],
  remark: (scope: AskedResource['scopes'][number]) => string,
): string => {
  if (asked.length === 0) return '<p>no API, only your identity</p>'
  const items = asked.map(({ indicator, scopes }) => {
    const lines = scopes.map((scope) => `<li><code>${text(scope.name)}</code>${remark(scope)}</li>`)
    return `<li><code>${text(indicator)}</code><ul>${lines.join('') || '<li>no scope</li>'}</ul></li>`
  })
  return `<ul>${items.join('\n')}</ul>`
}

const page = (title: string, body: string): string => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${text(title)} - Audgate development server</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem }
button { font: inherit; padding: .4rem 1rem }
</style>
</head>
<body>
<h1>${text(title)}</h1>
${body}
</body>
</html>
`

/** Everything that comes from a request or the configuration passes here on its way into a page. */
const text = (value: string): string =>
  value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
