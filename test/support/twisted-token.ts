/** Spellings of a good token that decode to the same bytes in lax decoders: none of them is a token. */
export const twisted = (token: string): readonly string[] => {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = signature.at(-1) ?? ''
  // A P-256 signature is 64 bytes: the last character carries four bits that nobody reads.
  const unused = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
  return [
    `${token}=`,
    `${token}==`,
    `${header}.${claims}.${signature.slice(0, -1)}${unused}`,
    `${header}.${claims}.+/${signature.slice(2)}`,
  ]
}
