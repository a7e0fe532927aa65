import { refusedResponses } from './raw-refused-responses.ts'
import { relayedResponses } from './raw-relayed-responses.ts'
import type { RawResponse } from './raw-response.ts'

/** Every answer of an upstream that the gateway must know what to do with. */
export const rawResponses: readonly RawResponse[] = [...refusedResponses, ...relayedResponses]
