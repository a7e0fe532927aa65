import type { DemoLineWithToken } from './demo-tokens.ts'

/** One line of the table: where it is served, and what it is. */
export interface BannerRow {
  readonly where: string
  readonly what: string
}

/**
 * What `audgate dev` prints when everything runs: the table, then one comment and one `curl` command for each request
 * to try. All that follows the table can be pasted into `sh` as it stands. The tokens in it are real ones for this
 * development server.
 */
export const banner = ({
  rows,
  lines,
}: {
  readonly rows: readonly BannerRow[]
  readonly lines: readonly DemoLineWithToken[]
}): string => {
  const width = Math.max(...rows.map(({ where }) => where.length))
  const table = rows.map(({ where, what }) => `  ${where.padEnd(width)}  ${what}`)
  const requests = lines.flatMap((line) => ['', `# ${line.title}: ${line.answer}`, curl(line)])
  return [...table, ...(lines.length === 0 ? ['', NOTHING_TO_TRY] : requests), '', ''].join('\n')
}

const NOTHING_TO_TRY =
  'No requests to try: no client under `dev` has a secret and roles that permit a GET at an API of `dev.apis`.'

const curl = ({ method, url, host, accessToken }: DemoLineWithToken): string =>
  [
    'curl -sS -i',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...(WITH_BODY.has(method) ? [`-H ${quote('Content-Type: application/json')}`, `-d ${quote(BODY)}`] : []),
    ...(host === undefined ? [] : [`-H ${quote(`Host: ${host}`)}`]),
    ...(accessToken === undefined ? [] : [`-H ${quote(`Authorization: Bearer ${accessToken}`)}`]),
    quote(url),
  ].join(' ')

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])
const BODY = '{"item":"tea"}'

/** One word for `sh`, whatever is in it. */
const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`
