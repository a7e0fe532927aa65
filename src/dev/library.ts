/**
 * oidc-provider, loaded when it is wanted: what is shipped has none, and its one-file build must start without it.
 * Rejects with a message for the operator when it is not installed.
 */
export const loadLibrary = async (): Promise<typeof import('oidc-provider')> => {
  // At its import it warns of every Node that is not (yet) an LTS release, the pinned one included.
  const { warn } = console
  console.warn = (...words: unknown[]): void => {
    if (!String(words[0]).includes('Unsupported runtime')) warn(...words)
  }
  try {
    return await import('oidc-provider')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      throw new Error('needs oidc-provider: a checkout with development dependencies (`npm ci`)', { cause: error })
    }
    throw error
  } finally {
    console.warn = warn
  }
}
