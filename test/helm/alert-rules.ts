import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** One alert of a rules file. */
export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Group {
  readonly name: string
  readonly rules: readonly Alert[]
}

/** The rules of the chart, before Helm. */
export const RULES = 'helm/audgate/files/alerts.yaml'

/** Every alert of the groups of a rules file or of the `spec` of a PrometheusRule. */
export const alertsOf = ({ groups }: { readonly groups: readonly Group[] }): readonly Alert[] =>
  groups.flatMap(({ rules }) => rules)

/** Every alert of {@link RULES}. */
export const alerts = (): readonly Alert[] => alertsOf(parse(readFileSync(RULES, 'utf8')))
