import { STATUS_CODES } from 'node:http'
import type { StepReport } from '../decision/step.ts'

/** What `explain` found; stable as `--format json`. */
export interface Explanation {
  readonly decision: 'allow' | 'deny'
  /** `none`, or the reason of the refusal. */
  readonly reason: string
  readonly resource: string | undefined
  readonly route: string | undefined
  readonly steps: readonly StepReport[]
  /** Expected and found, as in the log. */
  readonly detail: string | undefined
  readonly near_miss: string | undefined
  /** Where the request would go. */
  readonly upstream: string | undefined
  /** What the client would get, where the gateway itself answers. */
  readonly response:
    | {
        readonly status: number
        /** A list where a field has several lines, such as two challenges. */
        readonly headers: Readonly<Record<string, string | readonly string[]>>
        readonly body: unknown
      }
    | undefined
}

/** For a person: one line a step, then the verdict, then the answer as it would go over the wire. */
export const explanationText = (explanation: Explanation): string => {
  const width = Math.max(0, ...explanation.steps.map(({ name }) => name.length))
  const lines = explanation.steps.flatMap(({ name, expected, found, ok }) => [
    `${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(width)}  expected ${expected}`,
    `${' '.repeat(width + 5)}  found    ${found}`,
  ])
  lines.push('', explanation.decision === 'allow' ? 'allow' : `deny: ${explanation.reason}`)
  if (explanation.detail !== undefined) lines.push(explanation.detail)
  if (explanation.near_miss !== undefined) lines.push(`near miss: ${explanation.near_miss}`)
  if (explanation.upstream !== undefined) lines.push(`forwarded to ${explanation.upstream}`)
  const { response } = explanation
  if (response) {
    lines.push('', `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status]}`)
    for (const [name, value] of Object.entries(response.headers)) {
      lines.push(...[value].flat().map((one) => `${name}: ${one}`))
    }
    lines.push('', JSON.stringify(response.body, null, 2))
  }
  return `${lines.map(printable).join('\n')}\n`
}

/** What a stranger wrote may hold control characters; a terminal must not obey them. */
const printable = (line: string): string =>
  line.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
