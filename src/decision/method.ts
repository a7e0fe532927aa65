/**
 * Methods that exist: those that Node's parser (llhttp) lets through, so that a route key with a misspelt method is an
 * error at load and an unknown method on the wire is 501 (H1-6). CONNECT and TRACE are never served (H1-3, HS-7).
 */
const known: ReadonlySet<string> = new Set(
  (
    'ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS ' +
    'PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK ' +
    'UNSUBSCRIBE'
  ).split(' '),
)

/** Whether a request with this method can be judged at all. Case-sensitive (RFC 9110 section 9.1). */
export const isImplemented = (method: string): boolean => known.has(method)

/** Whether a route may list this method. TRACE would echo the token: never forwarded (HS-7). */
export const isRoutable = (method: string): boolean => method !== 'TRACE' && known.has(method)
