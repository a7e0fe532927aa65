import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { parse } from 'yaml'
import { requireProgram } from '../support/programs.ts'
import { run } from './chart.ts'

export interface Judged {
  /** The namespace that every object must be in. */
  readonly namespace?: string
  /** Names of ConfigMaps, Secrets and ServiceAccounts that are made by somebody else. */
  readonly external?: readonly string[]
  /** The pod security level of every pod; default `restricted`. */
  readonly security?: 'restricted' | 'baseline'
}

/**
 * Asks test/helm/strict about rendered manifests: each problem is one line, none means that a server takes every object,
 * that pods are restricted and that the objects agree. Undefined, and a skipped test, where the program is missing.
 */
export type Judge = (manifests: string, judged?: Judged) => Promise<readonly string[]>

export const requireJudge = (t: TestContext): Judge | undefined => {
  const program = requireProgram(t, 'audgate-strict')
  if (program === undefined) return undefined
  return async (manifests, { namespace = '', external = [], security = 'restricted' } = {}) => {
    const args = ['-namespace', namespace, '-external', external.join(','), '-security', security]
    const { status, stdout, stderr } = await run(program, args, manifests)
    const problems = stdout.split('\n').filter((line) => line !== '')
    if (status !== (problems.length > 0 ? 1 : 0)) throw new Error(`audgate-strict ended with ${status}: ${stderr}`)
    return problems
  }
}

/** Every text in a values file as the release renders it: an object that is not rendered must at least be named there. */
export const textsIn = (file: string, release: string): readonly string[] =>
  textsOf(parse(readFileSync(file, 'utf8'))).map((text) => text.replaceAll('{{ .Release.Name }}', release))

const textsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}
