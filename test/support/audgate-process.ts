import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'

/** `audgate …` as a process of its own, from the sources. */
export interface AudgateProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  stdout(): string
  stderr(): string
  /** Resolves with what standard output said when it first matches; rejects when the process ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  /** Exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

export const startAudgate = (t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}): AudgateProcess => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk
  })
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  t.after(() => child.kill('SIGKILL'))
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(out)
        if (found) resolve(found)
      }
      child.stdout.on('data', look)
      child.once('close', () => reject(new Error(`ended without saying ${pattern}: ${out}${err}`)))
      look()
    })
  return { child, stdout: () => out, stderr: () => err, said, ended }
}

/** A file with that text in a folder of its own, gone with the test. */
export const temporaryFile = (t: TestContext, name: string, text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
