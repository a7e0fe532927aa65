import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { requireProgram } from '../support/programs.ts'

export const CHART = 'helm/audgate'

/** The oldest Kubernetes that the charts support, and the newest one that test/helm/strict knows. */
export const KUBERNETES = ['1.29.0', '1.36.0'] as const

/** The values files of the chart's `ci` folder, by path. */
export const cases = (): readonly string[] =>
  readdirSync(join(CHART, 'ci'))
    .filter((name) => name.endsWith('-values.yaml'))
    .map((name) => join(CHART, 'ci', name))

export interface Helm {
  readonly name: 'Helm 4' | 'Helm 3'
  readonly program: string
}

/** Both Helms; none, and a skipped test, where one of them is missing. */
export const requireHelms = (t: TestContext): readonly Helm[] => {
  const [newer, older] = [requireProgram(t, 'helm'), requireProgram(t, 'helm3')]
  if (newer === undefined || older === undefined) return []
  return [
    { name: 'Helm 4', program: newer },
    { name: 'Helm 3', program: older },
  ]
}

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program with that standard input to its end, a minute at most. */
export const run = async (program: string, args: readonly string[], input = '', env = process.env): Promise<Ended> => {
  const child = spawn(program, args, { timeout: 60_000, env })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece
  })
  // Who refuses its arguments ends without reading.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [status] = await once(child, 'close')
  return { status: status ?? -1, stdout, stderr }
}

export interface Asked {
  readonly chart?: string
  readonly release?: string
  readonly namespace?: string
  readonly kubernetes?: string
  /** Values files, then values over them. */
  readonly files?: readonly string[]
  readonly values?: unknown
}

/** `helm template`, as it ends. */
export const template = (helm: Helm, asked: Asked = {}): Promise<Ended> => {
  const { chart = CHART, release = 'gate', namespace = 'apps', kubernetes = KUBERNETES[1], files = [], values } = asked
  const given = files.flatMap((file) => ['--values', file])
  const typed = values === undefined ? [] : ['--values', '-']
  const place = ['--namespace', namespace, '--kube-version', kubernetes]
  return run(helm.program, ['template', release, chart, ...place, ...given, ...typed], JSON.stringify(values))
}

/** What `helm template` renders. Rejects with what it says when it refuses. */
export const render = async (helm: Helm, asked: Asked = {}): Promise<string> => {
  const { status, stdout, stderr } = await template(helm, asked)
  if (status !== 0) throw new Error(`${helm.name} refuses ${JSON.stringify(asked)}: ${stderr}`)
  return stdout
}

/** What `helm template` says when it refuses. Rejects when it does not. */
export const refusal = async (helm: Helm, asked: Asked): Promise<string> => {
  const { status, stderr } = await template(helm, asked)
  if (status === 0) throw new Error(`${helm.name} renders ${JSON.stringify(asked)}`)
  return stderr
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
}

export const manifestsOf = (text: string): readonly Manifest[] =>
  parseAllDocuments(text).flatMap((document): Manifest[] => (document.contents === null ? [] : [document.toJS()]))

/** The only object of that kind. Throws when there is none, or more than one. */
export const only = (kind: string, text: string): Manifest => {
  const [found, ...more] = manifestsOf(text).filter((one) => one.kind === kind)
  if (found === undefined || more.length > 0) throw new Error(`${found ? more.length + 1 : 0} of kind ${kind}`)
  return found
}

/** The value at a path such as `spec.containers.0.name`; undefined where the path ends early. */
export const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (here, key) => (typeof here === 'object' && here !== null ? Reflect.get(here, key) : undefined),
      value,
    )

/** The gateway's own container, in the pod of the Deployment. */
export const containerOf = (text: string): unknown => at(only('Deployment', text), 'spec.template.spec.containers.0')

/** The text of the rendered config. */
export const configOf = (text: string): string => {
  const found = manifestsOf(text)
    .map((one) => (one.kind === 'ConfigMap' ? at(one, 'data') : undefined))
    .map((data) => (typeof data === 'object' && data !== null ? Reflect.get(data, 'audgate.yaml') : undefined))
    .find((config) => typeof config === 'string')
  if (typeof found !== 'string') throw new Error('no ConfigMap has an audgate.yaml')
  return found
}
