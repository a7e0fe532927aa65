import { z } from 'zod'

/** Where the state that replicas share is kept. */
export type StoreOptions =
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'redis'
      /** `redis:` or `rediss:`; may hold a user name and a password, and is never shown. */
      readonly url: string
      readonly username: string | undefined
      /** Absolute path; read at every connection. */
      readonly passwordFile: string | undefined
      /** PEM text of the only CA that counts for `rediss:`. */
      readonly ca: string | undefined
    }

/**
 * Why a text is no URL of a Redis, or undefined. Quotes nothing of it: it may hold a password. Whether anybody is there is
 * not asked.
 */
export const redisUrlFault = (url: string): string | undefined => {
  // `redis` is a scheme that `URL` does not know: what it says of a port is only that the whole is no URL.
  const authority = /^rediss?:\/\/([^/?#\s]*)/i.exec(url)?.[1]
  if (authority === undefined) return '`store` must be `memory`, or begin with redis:// or rediss://'
  const [, host, port] = /^(?:.*@)?([^@]*?)(?::([^:@\]]*))?$/.exec(authority) ?? []
  if (!host || host.includes('%')) return '`store` must name a host'
  if (port && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return 'the port of the URL must be a number from 1 to 65535'
  }
  const parsed = URL.parse(url)
  if (parsed === null) return '`store` must name a host'
  if (parsed.search !== '' || parsed.hash !== '') return 'the URL of a store must not have a query or a fragment'
  if (!/^(?:\/\d{0,4})?$/.test(parsed.pathname)) return 'the path of the URL must be the number of a database'
  if (decodes(parsed.username) && decodes(parsed.password)) return undefined
  return 'the user and the password of the URL must be percent-encoded'
}

const decodes = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

const form = 'must be `memory`, a redis:// or rediss:// URL, or a map with `url`'

/** `store`. That the URL is one and the files can be read is judged where the config is compiled. */
export const storeSchema = z
  .union(
    [
      z.literal('memory'),
      z.string(),
      z.strictObject({
        url: z.string().describe('redis://HOST:PORT/DATABASE, or rediss:// for TLS.'),
        username: z.string().min(1, { error: 'must not be empty' }).optional().describe('User of an ACL.'),
        password_file: z.string().optional().describe('File with the password. Read at every connection.'),
        ca_file: z.string().optional().describe('Private CA of the server, in PEM form.'),
      }),
    ],
    { error: form },
  )
  .prefault('memory')
  .describe('Where state that replicas share is kept: used DPoP proofs and introspection results.')
