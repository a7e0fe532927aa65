/** A page or a redirect out of the authorization server, as a person would see it. */
export interface Page {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly html: string
}

/**
 * A browser without scripts: keeps cookies by path, follows redirects, submits forms to the page's own address. It stops
 * at the first redirect to `stopAt`, which nobody listens on, and gives its address back.
 */
export const createBrowser = (stopAt: string) => {
  const jar = new Map<string, { readonly pair: string; readonly path: string }>()

  const request = async (url: string, init: RequestInit): Promise<Page> => {
    const { pathname } = new URL(url)
    const cookies = [...jar.values()].filter(({ path }) => pathname.startsWith(path)).map(({ pair }) => pair)
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie: cookies.join('; ') } })
    for (const line of response.headers.getSetCookie()) keep(line)
    const location = response.headers.get('location')
    if (location === null)
      return { url, status: response.status, headers: response.headers, html: await response.text() }
    await response.body?.cancel()
    const next = new URL(location, url).href
    if (next.startsWith(stopAt)) return { url: next, status: response.status, headers: response.headers, html: '' }
    return request(next, { method: 'GET' })
  }

  const keep = (line: string): void => {
    const [pair = '', ...attributes] = line.split(/;\s*/)
    const [name = ''] = pair.split('=')
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/'
    if (/expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(`${name} ${path}`)
    else jar.set(`${name} ${path}`, { pair, path })
  }

  return {
    open: (url: string): Promise<Page> => request(url, { method: 'GET' }),
    /** Sends that form to that address, whatever the page there looks like. */
    submit: (url: string, fields: Readonly<Record<string, string>>): Promise<Page> =>
      request(url, { method: 'POST', body: new URLSearchParams(fields) }),
    /** Presses the button of that name and value; it must be on the page. */
    press: (page: Page, name: string, value: string): Promise<Page> => {
      if (!page.html.includes(`<button name="${name}" value="${value}"`)) {
        throw new Error(`no button ${name}=${value} on the page ${page.url}`)
      }
      return request(page.url, { method: 'POST', body: new URLSearchParams({ [name]: value }) })
    },
  }
}
