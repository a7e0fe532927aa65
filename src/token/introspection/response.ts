import type { PostAnswer } from '../../keys/http-client.ts'
import { type JsonObject, readJsonObject } from '../json.ts'

/** The members of an introspection response, or why it is none: then the server is at fault, never the client. */
export type Response =
  | { readonly ok: true; readonly members: JsonObject }
  | { readonly ok: false; readonly fault: string }

/**
 * Reads a plain response (RFC 7662 section 2.2), as strictly as the claims of a token: one JSON object in UTF-8 without
 * repeated members, at most 32 levels deep. What the members say is not looked at.
 */
export const readPlainResponse = ({ mediaType, body }: PostAnswer): Response => {
  if (mediaType !== 'application/json') return { ok: false, fault: 'is not application/json' }
  const read = readJsonObject(body, 'claims')
  return read.ok ? { ok: true, members: read.value } : { ok: false, fault: 'is not one well-formed JSON object' }
}

/** Whether an OAuth error says that it is us who are not welcome (RFC 6749 section 5.2). */
export const isClientError = (answer: PostAnswer): boolean => {
  const response = readPlainResponse(answer)
  return response.ok && ['invalid_client', 'unauthorized_client'].includes(String(response.members.error))
}
