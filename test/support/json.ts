/** The JSON object of a response; throws when it is none. */
export const jsonOf = async (response: Response): Promise<Record<string, unknown>> => {
  const value: unknown = await response.json()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a JSON object')
  return { ...value }
}
