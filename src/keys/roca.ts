/**
 * Primes whose residues tell: modulo each, the powers of 65537 are few, and the moduli of Infineon's RSA library
 * (CVE-2017-15361) are always among them.
 */
const primes = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]

const powers: readonly (readonly [bigint, ReadonlySet<bigint>])[] = primes.map((prime) => {
  const residues = new Set<bigint>()
  for (let residue = 1; !residues.has(BigInt(residue)); residue = (residue * 65537) % prime) {
    residues.add(BigInt(residue))
  }
  return [BigInt(prime), residues]
})

/** Whether this RSA modulus has the mark of the ROCA weakness. One good modulus in about 2^28 has it too. */
export const hasRocaMark = (modulus: bigint): boolean =>
  powers.every(([prime, residues]) => residues.has(modulus % prime))
