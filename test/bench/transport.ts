import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { bundleOf } from './bundle.ts'
import { cpuMicroseconds, residentMebibytes } from './cpu.ts'
import { startLoad, startPacedLoad, startStreamLoad, startTunnelLoad } from './load-process.ts'
import type { StreamOrder } from './load-stream.ts'
import { freshRequest, issuer, orders, rsa } from './requests.ts'
import type { Stage } from './rows.ts'
import { startAudgate } from './subjects/audgate.ts'
import { startFloor } from './subjects/floor.ts'
import { startNginxRelay } from './subjects/nginx.ts'
import { isListening, launch, type Subject } from './subjects/subject.ts'
import { quantile, renderCells } from './table.ts'

// What moving octets costs, once it is decided that they may move: long bodies, WebSocket messages, and the time that
// is added to a request while there is room.

export type TransportStage = Pick<Stage, 'bundles' | 'folder' | 'nginx'> & {
  /** Answers every request with 1 kB. */
  readonly upstreamPort: number
  readonly quick: boolean
}

export const benchTransport = async (stage: TransportStage, running: Subject[]): Promise<void> => {
  if (stage.nginx === undefined) console.log('skipped: the rows of nginx: it is not installed')
  await benchStreams(stage, running)
  await benchTunnels(stage, running)
  await benchLatency(stage, running)
}

interface Named {
  readonly name: string
  readonly subject: Subject
}

const audgate = ({ bundles, folder }: TransportStage, name: string, upstreamPort: number): Promise<Subject> =>
  startAudgate(name, { bundle: bundles.audgate, folder, issuer, keys: [rsa.jwk], apis: [orders], upstreamPort })

/** One of the bench's own servers. */
const startNode = async (folder: string, name: string, args: readonly string[]): Promise<Subject> => {
  const port = await freePort()
  const file = await bundleOf(`test/bench/subjects/${name}.ts`, folder)
  const ready = (): Promise<boolean> => isListening(port)
  return launch({ command: process.execPath, args: [file, String(port), ...args], port, ready })
}

const starter =
  (running: Subject[]) =>
  async (name: string, starting: Promise<Subject>): Promise<Named> => {
    const subject = await starting
    running.push(subject)
    return { name, subject }
  }

const benchStreams = async (stage: TransportStage, running: Subject[]): Promise<void> => {
  const { folder, bundles, nginx } = stage
  const megabytes = stage.quick ? 64 : 512
  const size = megabytes * 1_000_000
  const start = starter(running)
  const { port } = (await start('bodies', startNode(folder, 'body-upstream', [String(size)]))).subject
  const contenders = [
    await start('pass-through, node:http + undici', startFloor(bundles.floor, port)),
    await start('Audgate', audgate(stage, 'streams', port)),
    ...(nginx === undefined
      ? []
      : [await start('nginx proxy_pass', startNginxRelay(nginx, folder, 'nginx-streams', port))]),
  ]
  const get = freshRequest(rsa)
  const post = get.replace('GET ', 'POST ').replace('\r\n', `\r\nContent-Length: ${size}\r\n`)
  const orderOf: Readonly<Record<string, Omit<StreamOrder, 'port'>>> = {
    download: { head: get, sends: 0, receives: size },
    upload: { head: post, sends: size, receives: 2 },
  }
  const load = startStreamLoad()
  const lines: string[][] = []
  try {
    for (const [direction, order] of Object.entries(orderOf)) {
      const rates = contenders.map((): number[] => [])
      const costs = contenders.map((): number[] => [])
      const moved = async (turn: number): Promise<void> => {
        const { subject } = contenders[turn] ?? missing()
        const before = cpuMicroseconds(subject.pid)
        const { seconds } = await load.run({ port: subject.port, ...order })
        costs[turn]?.push((cpuMicroseconds(subject.pid) - before) / megabytes)
        rates[turn]?.push(megabytes / seconds)
      }
      for (let turn = 0; turn < contenders.length; turn++) await moved(turn)
      for (const measured of [...rates, ...costs]) measured.length = 0
      await inTurns(contenders.length, stage.quick ? 3 : 9, moved)
      for (const [turn, { name, subject }] of contenders.entries()) {
        lines.push([
          `${name}, ${direction}`,
          quantile(rates[turn] ?? [], 0.5).toFixed(0),
          quantile(costs[turn] ?? [], 0.5).toFixed(0),
          residentMebibytes(subject.pid).toFixed(0),
        ])
      }
    }
  } finally {
    load.stop()
  }
  console.log(`\nBodies of ${megabytes} MB, one connection; the other end is node:http.\n`)
  console.log(renderCells(['subject', 'MB/s', 'CPU µs/MB', 'RSS MiB'], lines))
}

const benchTunnels = async (stage: TransportStage, running: Subject[]): Promise<void> => {
  const start = starter(running)
  const direct = await start('no proxy', startNode(stage.folder, 'echo-upstream', []))
  const { port } = direct.subject
  const contenders = [
    direct,
    await start('Audgate', audgate(stage, 'tunnels', port)),
    ...(stage.nginx === undefined
      ? []
      : [await start('nginx proxy_pass', startNginxRelay(stage.nginx, stage.folder, 'nginx-tunnels', port))]),
  ]
  const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`
  const head = freshRequest(rsa).replace('\r\n', `\r\n${fields}`)
  const order = { head, connections: 64, count: stage.quick ? 20_000 : 100_000, size: 64 }
  const rates = contenders.map((): number[] => [])
  const costs = contenders.map((): number[] => [])
  const load = startTunnelLoad()
  try {
    const echoed = async (turn: number): Promise<void> => {
      const { subject } = contenders[turn] ?? missing()
      const before = cpuMicroseconds(subject.pid)
      const { seconds } = await load.run({ port: subject.port, ...order })
      await setTimeout(settleMs)
      costs[turn]?.push((cpuMicroseconds(subject.pid) - before) / order.count)
      rates[turn]?.push(order.count / seconds)
    }
    await inTurns(contenders.length, 1, echoed)
    for (const measured of [...rates, ...costs]) measured.length = 0
    await inTurns(contenders.length, stage.quick ? 3 : 7, echoed)
  } finally {
    load.stop()
  }
  console.log(`\nWebSocket: messages of 64 octets, echoed by the package ws, ${order.connections} tunnels.\n`)
  const lines = contenders.map(({ name, subject }, turn) => [
    name,
    quantile(rates[turn] ?? [], 0.5).toFixed(0),
    subject === direct.subject ? '-' : quantile(costs[turn] ?? [], 0.5).toFixed(1),
    residentMebibytes(subject.pid).toFixed(0),
  ])
  console.log(renderCells(['subject', 'echoes/s', 'CPU µs/echo', 'RSS MiB'], lines))
}

const benchLatency = async (stage: TransportStage, running: Subject[]): Promise<void> => {
  const { bundles, folder, upstreamPort, nginx, quick } = stage
  const start = starter(running)
  const gateway = await start('Audgate', audgate(stage, 'latency', upstreamPort))
  const others = [
    await start('pass-through, node:http + undici', startFloor(bundles.floor, upstreamPort)),
    ...(nginx === undefined
      ? []
      : [await start('nginx proxy_pass', startNginxRelay(nginx, folder, 'nginx-latency', upstreamPort))]),
  ]
  const request = freshRequest(rsa)
  const connections = 32
  const closed = startLoad()
  const paced = startPacedLoad()
  const ports = [upstreamPort, ...[gateway, ...others].map(({ subject }) => subject.port)]
  const names = ['no proxy', ...[gateway, ...others].map(({ name }) => name)]
  const results = ports.map((): { p50: number; p99: number }[] => [])
  let rate = 0
  try {
    for (const port of ports.slice(1)) await closed.run({ port, requests: [request], count: 30_000, connections })
    const count = quick ? 20_000 : 60_000
    const { seconds } = await closed.run({ port: gateway.subject.port, requests: [request], count, connections })
    rate = Math.round(count / seconds / 2)
    await inTurns(ports.length, quick ? 3 : 7, async (turn) => {
      const port = ports[turn] ?? missing()
      results[turn]?.push(await paced.run({ port, request, rate, seconds: quick ? 1 : 3, connections: 64 }))
    })
  } finally {
    closed.stop()
    paced.stop()
  }
  const medians = results.map((rounds) => ({
    p50: quantile(
      rounds.map(({ p50 }) => p50),
      0.5,
    ),
    p99: quantile(
      rounds.map(({ p99 }) => p99),
      0.5,
    ),
  }))
  const [bare] = medians
  console.log(
    `\nLatency at ${rate} requests/s, half of what Audgate can take here; what is due in a millisecond comes at once.\n`,
  )
  const lines = names.map((name, turn) => {
    const { p50 = Number.NaN, p99 = Number.NaN } = medians[turn] ?? {}
    return [
      name,
      p50.toFixed(0),
      p99.toFixed(0),
      turn === 0 ? '-' : (p50 - (bare?.p50 ?? 0)).toFixed(0),
      turn === 0 ? '-' : (p99 - (bare?.p99 ?? 0)).toFixed(0),
    ]
  })
  console.log(renderCells(['subject', 'p50 µs', 'p99 µs', 'added p50 µs', 'added p99 µs'], lines))
}

/** Rounds in turn, each begun by another one. */
const inTurns = async (count: number, rounds: number, run: (turn: number) => Promise<void>): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < count; i++) await run((i + round) % count)
  }
}

const settleMs = 120

const missing = (): never => {
  throw new Error('no such contender')
}
