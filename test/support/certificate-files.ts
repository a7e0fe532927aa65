import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Identity } from './tls.ts'

/** Files of certificates in a folder of their own, which goes with the test. */
export interface CertificateFiles {
  path(name: string): string
  write(name: string, text: string): void
  /** `<name>.crt` and `<name>.key`, one after the other. */
  identity(name: string, identity: Pick<Identity, 'cert' | 'key'>): { certificate: string; key: string }
}

export const certificateFiles = (t: TestContext): CertificateFiles => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-certificates-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = (name: string): string => join(folder, name)
  const write = (name: string, text: string): void => writeFileSync(path(name), text)
  return {
    path,
    write,
    identity: (name, { cert, key }) => {
      write(`${name}.crt`, cert)
      write(`${name}.key`, key)
      return { certificate: path(`${name}.crt`), key: path(`${name}.key`) }
    },
  }
}

/** A volume as Kubernetes mounts a Secret: its files are links through `..data`, which is replaced in one step. */
export const secretVolume = (t: TestContext, contents: Readonly<Record<string, string>>) => {
  const { path } = certificateFiles(t)
  let generation = 0
  const swap = (next: Readonly<Record<string, string>>): void => {
    const last = `..${generation++}`
    const inner = `..${generation}`
    mkdirSync(path(inner))
    for (const [name, text] of Object.entries(next)) writeFileSync(join(path(inner), name), text)
    symlinkSync(inner, path('..data_tmp'))
    renameSync(path('..data_tmp'), path('..data'))
    rmSync(path(last), { recursive: true, force: true })
  }
  swap(contents)
  for (const name of Object.keys(contents)) symlinkSync(`..data/${name}`, path(name))
  return { path, swap }
}
