import { profileOf } from '../../../src/token/profile/index.ts'
import type { WrongKind } from '../../../src/token/profile/profile.ts'
import type { ProfileName, Shape } from './vendor.ts'

/** What the profile says of a token of that shape, with claims changed; `undefined` takes one out. */
export const judge = (
  profile: ProfileName,
  { header, claims }: Shape,
  changed: Readonly<Record<string, unknown>> = {},
): WrongKind | undefined => {
  const inForce = profileOf({ profile, claims: { scope: undefined, clientId: undefined } })
  // As it comes from the token: without the members that are undefined.
  const members = JSON.parse(JSON.stringify({ ...claims, ...changed }))
  return inForce.wrongKind(header.typ, Object.assign(Object.create(null), members), inForce)
}

/** The access token of a vendor by its name. */
export const shapeOf = (shapes: Readonly<Record<string, Shape>>, name: string): Shape => {
  const shape = shapes[name]
  if (shape === undefined) throw new Error(`no ${name}`)
  return shape
}
