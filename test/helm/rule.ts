import type { TestContext } from 'node:test'
import { at, manifestsOf, only, render, requireHelms } from './chart.ts'

export interface Asked {
  readonly kubernetes?: string
  readonly files?: readonly string[]
}

/** The body of a test that asserts a rule of the chart with each Helm; `rendered` renders values with it. */
export const inBoth =
  (check: (rendered: (values?: unknown, asked?: Asked) => Promise<string>) => Promise<void>) =>
  async (t: TestContext): Promise<void> => {
    for (const helm of requireHelms(t)) await check((values, asked) => render(helm, { values, ...asked }))
  }

export const kinds = (text: string): readonly string[] => manifestsOf(text).map((one) => one.kind)

/** A value in the pod of the Deployment. */
export const pod = (text: string, path: string): unknown => at(only('Deployment', text), `spec.template.spec.${path}`)
