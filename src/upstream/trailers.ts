import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Takes `Trailer` out of the fields of an answer that Node will not write in chunks, behind which alone trailers can
 * stand (RFC 9112 section 7.1.2): to HTTP/1.0, and where there is a length or no content.
 */
export const announceTrailers = (
  { httpVersionMinor, method }: Pick<IncomingMessage, 'httpVersionMinor' | 'method'>,
  status: number,
  hasLength: boolean,
  fields: string[],
): void => {
  const chunked = httpVersionMinor > 0 && method !== 'HEAD' && status !== 204 && status !== 304 && !hasLength
  if (chunked) return
  for (let i = fields.length - 2; i >= 0; i -= 2) if (fields[i]?.toLowerCase() === 'trailer') fields.splice(i, 2)
}

/** The end of an answer as Node would write it. */
export const lastChunk = (
  response: Pick<ServerResponse, 'chunkedEncoding'>,
  trailers: readonly (readonly [name: string, value: string])[],
): string =>
  response.chunkedEncoding ? `0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n` : ''
