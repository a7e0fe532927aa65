import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { version } from '../../src/version.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (name: string): string => readFileSync(resolve(root, name), 'utf8')

/** Instructions without comments, one each, in order. */
const instructions = read('Dockerfile')
  .replace(/^\s*#.*\n/gm, '')
  .replace(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
const words = (name: string): readonly string[] =>
  instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
const stages = instructions.reduce<string[][]>((found, line) => {
  if (line.startsWith('FROM ')) found.push([])
  found.at(-1)?.push(line)
  return found
}, [])
const runtime = stages.at(-1) ?? []

test('operations 2.3: bases have their full names, no `latest`, and take a digest; none is made up', () => {
  const defaults = words('ARG').filter((argument) => /_IMAGE=/.test(argument))
  assert.deepEqual(defaults, [
    'BUILD_IMAGE=docker.io/library/node:${NODE}-trixie-slim',
    'RUNTIME_IMAGE=gcr.io/distroless/nodejs${NODE}-debian13:nonroot',
  ])
  assert.deepEqual(words('FROM'), [
    '--platform=$BUILDPLATFORM ${BUILD_IMAGE}${BUILD_DIGEST:+@${BUILD_DIGEST}} AS build',
    '${RUNTIME_IMAGE}${RUNTIME_DIGEST:+@${RUNTIME_DIGEST}}',
  ])
  assert.doesNotMatch(instructions.join('\n'), /:latest|sha256:/)
})

test('operations 2.1: the runtime stage runs nothing, downloads nothing and needs no shell', () => {
  assert.deepEqual(
    runtime.filter((line) => /^(?:RUN|ADD|SHELL|VOLUME|ONBUILD)\b/.test(line)),
    [],
  )
  for (const line of instructions.filter((one) => /^(?:RUN|CMD|ENTRYPOINT|HEALTHCHECK) /.test(one))) {
    const list = line.replace(/^(?:RUN|CMD|ENTRYPOINT|HEALTHCHECK) (?:--\S+ +)*(?:CMD )?/, '')
    assert.ok(Array.isArray(JSON.parse(list)), `exec form: ${line}`)
  }
  assert.deepEqual(words('ADD'), [])
})

test('operations 2.1: the user is a number, is the last, and owns nothing', () => {
  assert.deepEqual(words('USER'), ['65532:65532'])
  assert.ok(runtime.indexOf('USER 65532:65532') > runtime.findLastIndex((line) => /^(?:COPY|WORKDIR) /.test(line)))
  for (const copy of runtime.filter((line) => line.startsWith('COPY '))) assert.match(copy, /--chown=0:0 /)
})

test('operations 2.1: packages come from the lock file, without scripts, and settings of a registry stay in no layer', () => {
  const [install = ''] = words('RUN')
  assert.match(install, /"npm", "ci", "--ignore-scripts"/)
  assert.match(install, /--mount=type=cache,target=\/npm-cache /)
  assert.match(install, /--mount=type=secret,id=npmrc,target=\/run\/npmrc /)
  assert.doesNotMatch(instructions.join('\n'), /ARG .*(?:TOKEN|PASSWORD|SECRET|REGISTRY)/i)
})

test('the version of the image is that of the program', () => {
  assert.ok(words('ARG').includes(`VERSION=${version}`))
})

test('the context of the build holds what it reads, and nothing else', () => {
  const rules = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const [first, ...kept] = rules
  assert.equal(first, '*')
  const copied = stages
    .slice(0, -1)
    .flat()
    .filter((line) => line.startsWith('COPY '))
    .flatMap((line) => line.split(' ').slice(1, -1))
  assert.deepEqual(kept.map((rule) => rule.slice(1)).toSorted(), copied.toSorted())
})
