const slots = [
  'host',
  'authorization',
  'connection',
  'transfer-encoding',
  'content-length',
  'via',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'forwarded',
  'dpop',
  'upgrade',
  'traceparent',
  'tracestate',
  'early-data',
  'max-forwards',
  'client-cert',
  'x-forwarded-client-cert',
] as const

/** A field that the gateway itself reads, in lower case. */
export type Slot = (typeof slots)[number]

/** By length: that and the first letter tell most names from all of these, and nothing needs to be lowered. */
const slotsByLength: readonly (readonly Slot[])[] = Array.from({ length: 24 }, (_, length) =>
  slots.filter((slot) => slot.length === length),
)

/** The field that a name of whatever case is; undefined: one that the gateway does not read. */
export const slotOf = (name: string): Slot | undefined => {
  const candidates = slotsByLength[name.length]
  if (!candidates) return undefined
  const first = name.charCodeAt(0) | 0x20
  for (const slot of candidates) {
    if (slot.charCodeAt(0) === first && name.toLowerCase() === slot) return slot
  }
  return undefined
}
