import { dirname } from 'node:path'
import { run } from '../../src/commands/check.ts'

/** The environment of the golden cases. Values that are refused must not be seen in any output. */
export const goldenEnvironment = {
  ADMIN: '',
  CONNECTIONS: '16',
  ISSUER: 'https://auth.example.com/oidc',
  LISTLIKE: '[orders:read]\nmode: observe',
  ORDERS: 'http://127.0.0.1:3000',
  PORT: '8080',
  PROFILE: 'keyclock',
  RESOURCE: 'https://api.example.com/orders',
  SECRET: 'c4n4ry value',
  TRICKY: '${SECRET}',
}

/** Everything that `audgate check` prints about a file, with the file shown by its bare name. */
export const checkOutput = async (file: string): Promise<{ readonly output: string; readonly status: number }> => {
  let output = ''
  const write = (text: string) => {
    output += text
  }
  const status = await run(['--config', file], { stdout: write, stderr: write, env: goldenEnvironment })
  return { output: output.replaceAll(`${dirname(file)}/`, ''), status }
}
