import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { isListening, launch, type Subject } from './subject.ts'

/** nginx with one worker, proxying without any check; access log on, to a file, as Debian ships it. */
export const startNginxProxy = (program: string, folder: string, upstreamPort: number): Promise<Subject> =>
  start(program, join(folder, 'nginx-proxy'), (port) => [
    `access_log ${join(folder, 'nginx-proxy/access.log')};`,
    `upstream api { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests ${never}; }`,
    `server { listen 127.0.0.1:${port}; location / {`,
    'proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection "";',
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } }',
  ])

/** nginx with one worker that passes uploads on as they come and relays WebSocket; no check. */
export const startNginxRelay = (
  program: string,
  folder: string,
  name: string,
  upstreamPort: number,
): Promise<Subject> =>
  start(program, join(folder, name), (port) => [
    `access_log ${join(folder, name, 'access.log')};`,
    `upstream api { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests ${never}; }`,
    'map $http_upgrade $hop { default upgrade; "" ""; }',
    `server { listen 127.0.0.1:${port}; client_max_body_size 0; location / {`,
    'proxy_pass http://api; proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;',
    'proxy_set_header Connection $hop; proxy_set_header Upgrade $http_upgrade; } }',
  ])

/** The upstream of every subject: 1 kB of JSON, from the cheapest server at hand. */
export const startNginxUpstream = (program: string, folder: string): Promise<Subject> =>
  start(program, join(folder, 'nginx-upstream'), (port) => [
    'access_log off; default_type application/json;',
    `server { listen 127.0.0.1:${port}; location / { return 200 '${answerBody}'; } }`,
  ])

/** One kilobyte. */
export const answerBody = JSON.stringify({
  id: 42,
  items: Array.from({ length: 49 }, (_, i) => `item number ${i + 10}`),
})
  .padEnd(1024)
  .slice(0, 1024)

/** Connections stay: their making is not what is measured. */
const never = 1_000_000_000

const start = async (program: string, folder: string, http: (port: number) => readonly string[]): Promise<Subject> => {
  const port = await freePort()
  mkdirSync(folder)
  const config = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    config,
    [
      `daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr error;`,
      'events { worker_connections 4096; }',
      `http { keepalive_timeout 300s; keepalive_requests ${never};`,
      ...temporary.map((name) => `${name}_temp_path ${join(folder, name)};`),
      ...http(port),
      '}',
    ].join('\n'),
  )
  return launch({
    command: program,
    args: ['-p', folder, '-e', 'stderr', '-c', config],
    port,
    ready: () => isListening(port),
  })
}
