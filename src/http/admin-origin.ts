/** What a client on this machine calls it, with or without a port. */
const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/**
 * Whether a request to the admin listener comes, or may come, from a page of somebody else in a browser: a foreign
 * `Origin`, a `Sec-Fetch-Site` other than same-origin or the address bar, and on a loopback listener a `Host` that is
 * not a loopback name, which is how DNS rebinding looks. On other addresses any single host is fine: the kubelet uses
 * the pod's address. No protection against programs, which write what they want.
 *
 * @param rawHeaders names and values in turn, repeated fields seen
 */
export const foreign = (rawHeaders: readonly string[], loopback: boolean): boolean => {
  const values = (name: string): readonly string[] =>
    rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
  const [host, ...moreHosts] = values('host')
  if (host === undefined || moreHosts.length > 0) return true
  if (loopback && !loopbackHost.test(host)) return true
  if (values('origin').some((origin) => origin.toLowerCase() !== `http://${host.toLowerCase()}`)) return true
  return values('sec-fetch-site').some((site) => site !== 'same-origin' && site !== 'none')
}
