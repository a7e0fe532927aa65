import { type CryptoKey, compactVerify, errors } from 'jose'

/** `proven`: this key signed these bytes with this algorithm. The rest are the words of the refusals. */
export type SignatureVerdict = 'proven' | 'signature_invalid' | 'algorithm_refused' | 'token_malformed'

/**
 * Checks the signature of a compact JWS with one key and one algorithm. Nothing else: neither claims nor times. Never
 * rejects: whatever jose or the engine below it throws is a signature that was not proven.
 */
export const checkSignature = async (token: string, alg: string, key: CryptoKey): Promise<SignatureVerdict> => {
  try {
    await compactVerify(token, key, { algorithms: [alg] })
    return 'proven'
  } catch (error) {
    return verdictOf(error)
  }
}

const verdictOf = (error: unknown): SignatureVerdict => {
  // A key that is too short or of another family is a plain TypeError or DataError of the engine: still a refusal.
  if (!(error instanceof errors.JOSEError)) return 'signature_invalid'
  switch (error.code) {
    case errors.JOSEAlgNotAllowed.code:
    case errors.JOSENotSupported.code:
      return 'algorithm_refused'
    case errors.JWSInvalid.code:
      return 'token_malformed'
    default:
      return 'signature_invalid'
  }
}
