/** Of the release; a test holds it against package.json, so that the bundle needs no file beside it. */
export const version = '0.1.0'
