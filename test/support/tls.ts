import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** A certificate and its key, as TLS wants them. */
export interface Identity {
  /** PEM, without those above it. */
  readonly cert: string
  readonly key: string
  readonly der: Buffer
  readonly privateKey: KeyObject
  readonly name: string
}

export interface Wanted {
  /** Undefined: it signs itself. */
  readonly by?: Identity
  readonly ca?: boolean
  /** Names of the subject beside 127.0.0.1 and localhost, as URIs. */
  readonly uris?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Whose key it is; undefined: a new one. */
  readonly keyOf?: Pick<Identity, 'privateKey'>
}

/** A real X.509 certificate (P-256, RFC 5280) for 127.0.0.1, made here so that no test waits for one to expire. */
export const issue = (name: string, wanted: Wanted = {}): Identity => {
  const privateKey = wanted.keyOf?.privateKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const { notBefore = new Date(Date.now() - day), notAfter = new Date(Date.now() + 30 * day) } = wanted
  const extensions = [
    extension('551d13', sequence(...(wanted.ca ? [tlv(0x01, Buffer.from([0xff]))] : []))),
    extension(
      '551d11',
      sequence(
        tlv(0x87, Buffer.from([127, 0, 0, 1])),
        tlv(0x82, Buffer.from('localhost')),
        ...(wanted.uris ?? []).map((uri) => tlv(0x86, Buffer.from(uri))),
      ),
    ),
  ]
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    commonName(wanted.by?.name ?? name),
    sequence(time(notBefore), time(notAfter)),
    commonName(name),
    spki,
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, wanted.by?.privateKey ?? privateKey)
  const der = sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])))
  return {
    cert: pemOf(der),
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    der,
    privateKey,
    name,
  }
}

/** A certificate in PEM form, 64 octets a line. */
export const pemOf = (der: Buffer): string => {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const day = 24 * 3600 * 1000

const tlv = (tag: number, value: Buffer): Buffer => {
  const { length } = value
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), value])
}

const sequence = (...members: readonly Buffer[]): Buffer => tlv(0x30, Buffer.concat(members))
const integer = (value: Buffer): Buffer => tlv(0x02, value)
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'))
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))

const commonName = (name: string): Buffer => sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(name)))))

const time = (date: Date): Buffer => tlv(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))

const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), tlv(0x04, value))
