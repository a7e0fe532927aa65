import { isIP } from 'node:net'

/** What one hop said of the request that it received (RFC 7239 section 5). Undefined: nothing. */
export interface ForwardedElement {
  readonly for: string | undefined
  readonly host: string | undefined
  readonly proto: string | undefined
}

/** No request goes through so many proxies. */
export const hopsAtMost = 100

/**
 * The elements of a `Forwarded` field, the last hop first. Undefined: the field breaks the grammar (RFC 7239 section 4),
 * has a parameter twice in one element, or more than {@link hopsAtMost} elements: it is to be discarded whole, because a
 * quote somewhere in it may belong to anybody (FW-4).
 */
export const readForwarded = (field: string): readonly ForwardedElement[] | undefined => {
  if (field === '') return nothing
  const elements: ForwardedElement[] = []
  let parameters = new Map<string, string>()
  for (let at = 0; at < field.length; at = grammar.lastIndex) {
    grammar.lastIndex = at
    const [, name = '', token, quoted = '', end] = grammar.exec(field) ?? []
    const key = name.toLowerCase()
    if (end === undefined || parameters.has(key)) return undefined
    parameters.set(key, token ?? quoted.replace(/\\(.)/g, '$1'))
    // A separator that nothing follows.
    if (end !== '' && grammar.lastIndex === field.length) return undefined
    if (end === ';') continue
    if (elements.length === hopsAtMost) return undefined
    elements.push({ for: parameters.get('for'), host: parameters.get('host'), proto: parameters.get('proto') })
    parameters = new Map()
  }
  return elements.reverse()
}

/**
 * The address of a node (RFC 7239 section 6), without its port and brackets, in lower case. `''`: it is `unknown`,
 * hidden (`_x`), or malformed.
 */
export const addressOfNode = (node: string): string => {
  const [, v4, v6] = nodeGrammar.exec(node) ?? []
  if (v6 !== undefined) return isIP(v6) === 6 ? unmapped(v6.toLowerCase()) : ''
  return v4 !== undefined && isIP(v4) === 4 ? v4 : ''
}

/** The same of an entry of `X-Forwarded-For`, which may also be an IPv6 address without brackets. */
export const addressOfEntry = (entry: string): string => {
  const family = isIP(entry)
  return family === 4 ? entry : addressOfNode(family === 6 ? `[${entry}]` : entry)
}

/** An IPv4 address as such, however a socket or a proxy writes it. */
export const unmapped = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address

const nothing: readonly ForwardedElement[] = []

const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
const quoted = '(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\x20-\\x7e])*'
/** One parameter, and what ends it: `;` before the next of its element, a comma before the next element, or the end. */
const grammar = new RegExp(`(${token})=(?:(${token})|"(${quoted})")(;|[ \\t]*,[ \\t]*|$)`, 'y')

/** The port may be hidden, too. */
const nodeGrammar = /^(?:(\d[\d.]*)|\[([0-9A-Fa-f:.]+)\])(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?$/
