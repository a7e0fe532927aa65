/**
 * The value of a `typ` or `cty` header as a media type that can be compared: lower case, `application/` put in front
 * where there is no slash (RFC 7515 section 4.1.9; AT-2). Parameters are not cut off: `at+jwt;x=1` is another value.
 * ASCII lower case only: U+212A, the Kelvin sign, must not become a `k`.
 */
export const mediaType = (value: string): string => {
  const lower = value.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
  return lower.includes('/') ? lower : `application/${lower}`
}
