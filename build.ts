import { build } from 'esbuild'

// One file for the image: ESM, so that top-level await works; some dependencies are CommonJS and call `require`.
await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/audgate.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // What is read at every start. Names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  // Only `audgate dev` needs it, and that runs from a checkout.
  external: ['oidc-provider'],
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'\nconst require = createBundleRequire(import.meta.url)",
  },
})
