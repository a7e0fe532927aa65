import { isIP } from 'node:net'
import { z } from 'zod'
import { type Address, parseAddress } from './address.ts'

/**
 * Kinds of values that several rooms' options share. Every room takes them as an argument, so that there is one reading
 * of `30s` and no room depends on this one.
 */
export interface Fields {
  /** `250ms 30s 10m 24h` within the range, as milliseconds. */
  duration(min: string, max: string): z.ZodType<number, string>
  /** `512 16KiB 1MiB` within the range, as bytes. */
  size(min: string, max: string): z.ZodType<number, string | number>
  /** `127.0.0.1:8080`, `[::1]:8080`, `:8080` or a port alone. */
  address(): z.ZodType<Address, string | number>
  /** An IP address or a CIDR range, as written. */
  network(): z.ZodType<string, string>
}

export const fields: Fields = {
  duration: (min, max) =>
    z
      .string({ error: durationForm })
      .regex(/^\d{1,9}(?:ms|s|m|h)$/, { error: durationForm, abort: true })
      .refine((text) => within(toMs(text), toMs(min), toMs(max)), { error: `must be from ${min} to ${max}` })
      .transform(toMs)
      .meta({ description: `A duration from ${min} to ${max}: \`250ms\`, \`30s\`, \`10m\`, \`24h\`.` }),
  size: (min, max) =>
    z
      .union([z.int().min(0, { abort: true }), z.string().regex(/^\d{1,12}(?:KiB|MiB|GiB)?$/, { abort: true })], {
        error: sizeForm,
      })
      .refine((size) => within(toBytes(size), toBytes(min), toBytes(max)), { error: `must be from ${min} to ${max}` })
      .transform(toBytes)
      .meta({ description: `A size from ${min} to ${max}: bytes, or \`16KiB\`, \`1MiB\`.` }),
  address: () =>
    z
      .union(
        [z.int().min(0, { abort: true }).max(65535, { abort: true }), z.string().regex(/^\S+$/, { abort: true })],
        { error: addressForm },
      )
      .transform((value, context): Address => {
        const address = typeof value === 'number' ? { host: '0.0.0.0', port: value } : parseAddress(value)
        if (address) return address
        context.issues.push({ code: 'custom', input: value, message: addressForm })
        return z.NEVER
      })
      .meta({ description: 'Where to listen: `127.0.0.1:8080`, `[::1]:8080`, `:8080` or a port.' }),
  network: () =>
    z
      .string()
      .refine(isNetwork, { error: 'must be an IP address or a CIDR range such as `10.0.0.0/8`' })
      .meta({ description: 'An IP address or a CIDR range.' }),
}

const durationForm = 'must be a duration such as `250ms`, `30s`, `10m` or `24h`'
const sizeForm = 'must be a size such as `512`, `16KiB` or `1MiB`'
const addressForm = 'must be an address such as `127.0.0.1:8080`, `[::1]:8080`, `:8080` or a port from 0 to 65535'

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const sizeUnits = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

const toMs = (text: string): number => {
  const number = Number.parseInt(text, 10)
  const unit = text.replace(/^\d+/, '')
  return unit in durationUnits ? number * durationUnits[unit as keyof typeof durationUnits] : Number.NaN
}

const toBytes = (size: string | number): number => {
  if (typeof size === 'number') return size
  const unit = size.replace(/^\d+/, '')
  return unit in sizeUnits ? Number.parseInt(size, 10) * sizeUnits[unit as keyof typeof sizeUnits] : Number.NaN
}

const within = (value: number, min: number, max: number): boolean => value >= min && value <= max

const isNetwork = (text: string): boolean => {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0 || address.includes('%')) return false
  return prefix === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}
