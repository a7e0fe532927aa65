import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { CHART } from './chart.ts'

type Files = Readonly<Record<string, string>>

const folderWith = (t: TestContext, files: Files): string => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-chart-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** A copy of the chart with further files in it. Helm shows the notes at an installation only; a template shows them here. */
export const chartWith = (t: TestContext, files: Files): string => {
  const folder = folderWith(t, {})
  cpSync(CHART, folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** A chart that has the chart as its dependency, under its own name and once more under an alias. */
export const parentChart = (t: TestContext): string => {
  const folder = folderWith(t, {
    'Chart.yaml': `apiVersion: v2
name: shop
version: 1.0.0
dependencies:
  - { name: audgate, version: "*", condition: audgate.enabled }
  - { name: audgate, version: "*", alias: partners, condition: partners.enabled }
`,
    'values.yaml': 'audgate: { enabled: true }\npartners: { enabled: false }\n',
  })
  cpSync(CHART, join(folder, 'charts/audgate'), { recursive: true })
  return folder
}
