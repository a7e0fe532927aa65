import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { version } from '../../src/version.ts'
import { chart } from './values-file.ts'

const about = parse(readFileSync(new URL('Chart.yaml', chart), 'utf8'))

test('the chart installs the program that it is released with', () => {
  assert.equal(about.appVersion, version)
  assert.deepEqual(parse(about.annotations['artifacthub.io/images']), [
    { name: 'audgate', image: `audgate:${version}` },
  ])
})

test('CT-10: the chart takes Kubernetes 1.29 and later, pre-releases of providers included', () => {
  assert.equal(about.kubeVersion, '>=1.29.0-0')
})
