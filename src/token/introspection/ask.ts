import type { LocatedEndpoint } from '../../keys/endpoint.ts'
import type { HttpClient, PostAnswer, PostFailed } from '../../keys/http-client.ts'
import type { JsonObject } from '../json.ts'
import type { IntrospectionOptions } from '../options.ts'
import type { TrustedIssuer } from '../proof.ts'
import { createAuthentication } from './client-authentication.ts'
import type { Credential, NoCredential } from './credential-file.ts'
import { unlessLate } from './deadline.ts'
import type { IntrospectionResult } from './introspector.ts'
import { isClientError, type Response, readPlainResponse } from './response.ts'
import { readSignedResponse, signedResponseType } from './signed-response.ts'

/** What the issuer says of a token, or why it says nothing. Nothing here is a reason to let anybody in but `active`. */
export type Asked =
  /** `claims`: the members of the response, of which none but `active` was looked at. */
  { readonly kind: 'active'; readonly claims: JsonObject } | { readonly kind: 'inactive' } | Failure

export interface Failure {
  readonly kind: 'failed'
  readonly result: IntrospectionFault
  readonly message: string
  /**
   * What it says something of. `token`: the issuer answers, and does not like this one, as a firewall before it does with
   * strings that anybody may send; then it is no reason to ask less about others.
   */
  readonly about: 'issuer' | 'token'
}

export type IntrospectionFault = Exclude<IntrospectionResult, 'active' | 'inactive' | 'cached'>

export interface AskDeps {
  readonly client: Pick<HttpClient, 'post'>
  /** Where the issuer answers. Never rejects. */
  readonly locate: () => Promise<LocatedEndpoint>
  /** Seconds since the epoch. */
  readonly now: () => number
}

/**
 * The call of RFC 7662 section 2.1 to one issuer: POST, the token in the form, the gateway's own credentials. The look for
 * the endpoint, the answer, and the key of a signed one end with the signal. Never rejects.
 */
export const createAsk = (
  trusted: Pick<TrustedIssuer, 'issuer' | 'token' | 'keys'>,
  options: IntrospectionOptions,
  { client, locate, now }: AskDeps,
): ((token: string, credential: Credential, signal: AbortSignal) => Promise<Asked>) => {
  const authenticate = createAuthentication(options, trusted.issuer)
  const accept = options.response === 'jwt' ? signedResponseType : 'application/json'
  const late = failed('timeout', `${trusted.issuer}: no complete answer in time`)

  const call = async (token: string, credential: Credential, signal: AbortSignal): Promise<Asked> => {
    const endpoint = await locate()
    // Without an endpoint nothing was asked; that its place is empty is no other kind of fault.
    if (!endpoint.ok) return failed(endpoint.result === 'empty' ? 'parse' : endpoint.result, endpoint.message)
    const { url } = endpoint

    const send = async (): Promise<PostAnswer | PostFailed | NoCredential> => {
      const authentication = await authenticate(credential, now())
      if (!authentication.ok) return authentication
      const { headers, parameters } = authentication
      const body = new URLSearchParams({ token, token_type_hint: 'access_token', ...parameters }).toString()
      return client.post(url, { body, headers, accept, signal })
    }
    const first = await send()
    // The server may close a kept connection in the moment in which it is used again. A question changes nothing there, but
    // an assertion counts once (RFC 7523 section 3): the second try has its own.
    const again = 'broken' in first && first.broken && !signal.aborted
    const answer = again ? await send() : first

    if ('fault' in answer) return failed('credentials', answer.fault)
    if (!answer.ok) {
      const { result, message, status = 0 } = answer
      return failed(result === 'empty' ? 'parse' : result, message, status >= 400 && status < 500 ? 'token' : 'issuer')
    }
    const shown = url.split('?', 1)[0]
    if (answer.status !== 200) {
      return refusesUs(answer)
        ? failed('credentials', `${shown}: answered ${answer.status}, our own credentials are refused`)
        : failed('http', `${shown}: answered ${answer.status}`, 'token')
    }
    const response = await read(answer)
    return response.ok ? judged(response.members) : failed('parse', `${shown}: ${response.fault}`)
  }

  const read = (answer: PostAnswer): Response | Promise<Response> =>
    options.response === 'jwt'
      ? readSignedResponse(answer, trusted, options.clientId, now())
      : readPlainResponse(answer)

  return async (token, credential, signal) =>
    signal.aborted ? late : unlessLate<Asked>(signal, call(token, credential, signal), late)
}

/** Only `true` itself is active: not 1, not "true", and not its absence (IN-4). */
const judged = (members: JsonObject): Asked =>
  members.active === true ? { kind: 'active', claims: members } : { kind: 'inactive' }

/**
 * RFC 7662 section 2.3, RFC 6749 section 5.2 (IN-8). A 403 alone may come from a firewall and be about the token: whoever
 * sends such tokens must not be able to raise the alarm.
 */
const refusesUs = (answer: PostAnswer): boolean => answer.status === 401 || isClientError(answer)

const failed = (result: IntrospectionFault, message: string, about: Failure['about'] = 'issuer'): Failure => ({
  kind: 'failed',
  result,
  message,
  about,
})
