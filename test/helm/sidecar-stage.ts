import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { requireProgram } from '../support/programs.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')

/** The programs by the names they have in CI: Helm 4 and Helm 3. */
export const helms = ['helm', 'helm3'] as const

/** A member of some YAML, by its path; the templates promise nothing about its type. */
export const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((node, key) => (node as Readonly<Record<string | number, unknown>> | undefined)?.[key], value)

export interface Rendering {
  readonly objects: readonly unknown[]
  /** The one object of that kind, or undefined. */
  one(kind: string): unknown
  readonly text: string
}

export interface RenderSettings {
  /** Values of the application's chart, laid over its own. */
  readonly values?: unknown
  readonly release?: string
  readonly kubeVersion?: string
}

/** The example application in a folder of its own, with the library packed into it. */
export interface Stage {
  readonly folder: string
  /** Runs Helm in the chart; rejects with what it said on standard error. No network: every proxy is a closed port. */
  helm(...args: readonly string[]): Promise<string>
  render(settings?: RenderSettings): Promise<Rendering>
  /** What Helm says against these values. */
  refusal(values: unknown, settings?: RenderSettings): Promise<string>
}

/**
 * Copies the library and its example as they lie to each other in the repository, adds the files given to the example,
 * and builds its dependency. Undefined, and the test skipped, where that Helm is not installed.
 */
export const stageExample = async (
  t: TestContext,
  program: string,
  added: Readonly<Record<string, string>> = {},
): Promise<Stage | undefined> => {
  const path = requireProgram(t, program)
  if (path === undefined) return undefined
  const base = mkdtempSync(join(tmpdir(), 'audgate-sidecar-'))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  const folder = join(base, 'test/helm/example-app')
  mkdirSync(join(base, 'test/helm'), { recursive: true })
  cpSync(join(root, 'helm/audgate-sidecar'), join(base, 'helm/audgate-sidecar'), { recursive: true })
  cpSync(join(root, 'test/helm/example-app'), folder, { recursive: true })
  for (const [name, text] of Object.entries(added)) writeFileSync(join(folder, name), text)
  const home = join(base, 'home')
  const nowhere = 'http://127.0.0.1:9'
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_CACHE_HOME: home,
    HELM_DATA_HOME: home,
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
  }
  const helm = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(path, args, { cwd: folder, env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 })
    return stdout
  }
  await helm('dependency', 'build')
  let files = 0
  const template = ({ values = {}, release = 'orders', kubeVersion = '1.36.0' }: RenderSettings): Promise<string> => {
    const file = join(base, `values-${files++}.json`)
    writeFileSync(file, JSON.stringify(values))
    return helm('template', release, '.', '--namespace', 'shop', '--kube-version', kubeVersion, '--values', file)
  }
  return {
    folder,
    helm,
    render: async (settings = {}) => {
      const text = await template(settings)
      const objects = objectsOf(text)
      return { text, objects, one: (kind) => objects.find((object) => at(object, 'kind') === kind) }
    },
    refusal: (values, settings = {}) =>
      template({ ...settings, values }).then(
        () => '',
        (error: unknown) => String(at(error, 'stderr')),
      ),
  }
}

/** Every object of some YAML; duplicate keys and other faults are errors. */
export const objectsOf = (text: string): readonly unknown[] =>
  parseAllDocuments(text).flatMap((document) => {
    if ('errors' in document && document.errors[0]) throw document.errors[0]
    const object: unknown = 'toJS' in document ? document.toJS() : undefined
    return object === null || object === undefined ? [] : [object]
  })

/** Values of the gateway alone. */
export const audgate = (values: unknown, more: Readonly<Record<string, unknown>> = {}): unknown => ({
  ...more,
  audgate: values,
})

/** The sidecar of a rendering. */
export const sidecarOf = (rendering: Rendering): unknown =>
  at(rendering.one('Deployment'), 'spec', 'template', 'spec', 'initContainers', 0)

/** The text of audgate.yaml in a rendering. */
export const configOf = (rendering: Rendering): string => String(at(rendering.one('ConfigMap'), 'data', 'audgate.yaml'))
