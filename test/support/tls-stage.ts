import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { requestBytes, wholeAnswer } from './raw-http.ts'
import { type SpiedOptions, type SpiedStage, startSpied } from './spy.ts'
import { type Identity, issue } from './tls.ts'
import { converseOverTls, type TlsConversation } from './tls-client.ts'

/** A gateway with its own TLS in front of a spy. */
export interface TlsStage extends SpiedStage {
  /** A connection to it; its certificate is checked. */
  converse(own?: Identity): Promise<TlsConversation>
  /** One request on a connection of its own, with a token of these claims. Resolves with the whole answer. */
  ask(claims: Readonly<Record<string, unknown>>, lines?: readonly string[], own?: Identity): Promise<string>
}

/** @param tls members of `listen.tls`; what is an identity becomes a file with its certificate */
export const startOverTls = async (
  t: TestContext,
  tls: { readonly client_certificates?: string; readonly client_ca?: Identity } = {},
  { listen = {}, ...options }: SpiedOptions = {},
): Promise<TlsStage> => {
  const ca = issue('test ca', { ca: true })
  const own = issue('gateway', { by: ca })
  const folder = mkdtempSync(join(tmpdir(), 'audgate-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const files = { certificate: file('tls.crt', own.cert), key: file('tls.key', own.key) }
  const clientCa = tls.client_ca ? { client_ca: file('ca.crt', tls.client_ca.cert) } : {}
  const stage = await startSpied(t, { ...options, listen: { ...listen, tls: { ...files, ...tls, ...clientCa } } })
  const converse: TlsStage['converse'] = (client) => converseOverTls(t, stage.port, ca, client && { own: client })
  return {
    ...stage,
    url: stage.url.replace('http:', 'https:'),
    converse,
    ask: async (claims, lines = [], client = undefined) => {
      const connection = await converse(client)
      const authorization = `Authorization: Bearer ${stage.token(claims)}`
      connection.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: gw.test', authorization, ...lines]))
      const text = await connection.hear('the answer', wholeAnswer)
      connection.socket.destroy()
      return text
    },
  }
}
