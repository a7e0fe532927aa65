import { readFileSync } from 'node:fs'

/** A panel of the dashboard, as far as the tests look at it. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: unknown
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly targets?: readonly {
    readonly refId: string
    readonly expr: string
    readonly legendFormat: string
    readonly format?: string
    readonly datasource: unknown
  }[]
}

/** A variable of the dashboard. */
export interface Variable {
  readonly name: string
  readonly type: string
  readonly query: string | { readonly query: string }
  readonly definition?: string
  readonly datasource?: unknown
}

export interface Dashboard {
  readonly id: unknown
  readonly uid?: unknown
  readonly title: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

/** Grafana's dashboard of the chart. */
export const dashboard = (): Dashboard => JSON.parse(readFileSync('helm/audgate/files/dashboard.json', 'utf8'))

/** The expressions of its panels, as {@link plain} PromQL. */
export const expressions = (): readonly string[] =>
  dashboard().panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => plain(expr)))

/** An expression with Grafana's variables replaced by something that they may stand for. */
export const plain = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '3h').replace(/\$\w+/g, '.*')
