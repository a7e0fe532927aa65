import { text as readAll } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { type Run, usageFault, wrongUsage } from './command.ts'
import { requireConfig } from './config-file.ts'
import { findConfigFile, noConfigFile } from './config-place.ts'
import { type AskedRequest, explainRequest } from './explain-request.ts'
import { explanationText } from './explanation.ts'

export const usage = `usage: audgate explain --config FILE --url URL [options]

Decides one request as the gateway would, and prints every step: what was expected and what was found.
Exit status: 0 it would be forwarded, 1 it would be refused, 2 wrong usage.

Nothing is sent to an upstream. Keys are loaded from the issuers, and an opaque token is sent to the introspection
endpoint of its issuer, as the gateway would. Of several replicas the first stands for all. What is settled between two
hops is not looked at: Expect, Early-Data, Max-Forwards, the WebSocket handshake and its Origin. The store is never used: a DPoP proof that was used before counts as new.

  --config FILE      the config
  --url URL          what the client asks for; a path alone needs --header 'Host: …'
  --method METHOD    default GET
  --token TOKEN|-    sent as \`Authorization: Bearer\`, or DPoP beside a DPoP header; \`-\` reads it from standard input
  --header 'K: V'    a further field line; may be repeated. 'DPoP: PROOF' is a proof of possession, made for this URL and
                     method. 'Client-Cert: :BASE64 OF THE DER:' is the certificate of the client: it counts where the
                     config has trusted_proxies or asks for client certificates; who signed it is not checked
  --now TIME         judge as of this time: RFC 3339, or seconds since the epoch
  --format FORMAT    text (default) or json`

/** Decides one request from the command line; exit status 0: it would be forwarded. */
export const run: Run = async (args, io) => {
  const asked = await readArguments(args)
  if (typeof asked === 'string') return wrongUsage(io, usage, asked)
  const file = findConfigFile(asked.config, io.env)
  if (file === undefined) return wrongUsage(io, usage, noConfigFile)
  const config = requireConfig(file, io)
  if (!config) return 1
  const explanation = await explainRequest(config, asked)
  io.stdout(asked.format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation))
  return explanation.decision === 'allow' ? 0 : 1
}

interface Asked extends AskedRequest {
  readonly config: string | undefined
  readonly format: 'text' | 'json'
}

/** The request as asked for, or what is wrong with the asking. */
const readArguments = async (args: readonly string[]): Promise<Asked | string> => {
  const read = parse(args)
  if (typeof read === 'string') return read
  const { url, method, token, header, now, format, config } = read
  if (url === undefined) return '--url is needed'
  if (format !== 'text' && format !== 'json') return '--format is text or json'
  const at = now === undefined ? Date.now() / 1000 : readTime(now)
  if (!Number.isFinite(at)) return '--now is an RFC 3339 time, or seconds since the epoch'
  const parts = /^(?:(https?):\/\/([^/?#]*))?(.*)$/is.exec(url)
  const [, scheme, authority, rest = ''] = parts ?? []
  const rawHeaders = authority === undefined ? [] : ['Host', authority]
  for (const line of header) {
    const colon = line.indexOf(':')
    if (colon < 1) return "--header is 'Name: value'"
    rawHeaders.push(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  if (token !== undefined) {
    const credential = token === '-' ? (await readAll(process.stdin)).trim() : token
    const scheme = header.some((line) => /^dpop:/i.test(line)) ? 'DPoP' : 'Bearer'
    rawHeaders.push('Authorization', `${scheme} ${credential}`)
  }
  const target = authority === undefined || rest.startsWith('/') ? rest : `/${rest}`
  return { config, method, target, rawHeaders, secure: scheme?.toLowerCase() === 'https', now: at, format }
}

const parse = (args: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        url: { type: 'string' },
        method: { type: 'string', default: 'GET' },
        token: { type: 'string' },
        header: { type: 'string', multiple: true, default: [] },
        now: { type: 'string' },
        format: { type: 'string', default: 'text' },
      },
    })
    return values
  } catch (error) {
    return usageFault(error)
  }
}

const readTime = (text: string): number => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000)
