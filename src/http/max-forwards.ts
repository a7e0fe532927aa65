/**
 * How many more intermediaries an OPTIONS request may pass (RFC 9110 section 7.6.2, HS-6): 0 = the gateway itself is
 * the final recipient. Undefined: the field is not there, or is no number, or the method is one that it says nothing
 * about.
 */
export const hopsLeft = (method: string, field: string | undefined): number | undefined =>
  field !== undefined && method === 'OPTIONS' && /^\d{1,9}$/.test(field) ? Number(field) : undefined
