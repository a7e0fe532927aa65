import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readJsonObject } from '../../src/keys/json-object.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

test('AS-4: an object is read, and __proto__ in it is a member like any other', () => {
  const read = readJsonObject(Buffer.from('{"keys":[1],"__proto__":{"issuer":"x"}}'))
  assert.deepEqual(read?.keys, [1])
  assert.equal(read?.issuer, undefined)
  assert.equal(Object.getPrototypeOf(read), null)
})

for (const [name, bytes] of [
  ['a list', latin1('[]')],
  ['a string', latin1('"{}"')],
  ['null', latin1('null')],
  ['nothing', latin1('')],
  ['half an object', latin1('{"a":')],
  ['two objects', latin1('{}{}')],
  ['an object with a byte order mark', latin1('\u00ef\u00bb\u00bf{}')],
  ['an object in UTF-16', Buffer.from('{}', 'utf16le')],
  ['a string that is not UTF-8', latin1('{"a":"\u00ff"}')],
] as const) {
  test(`AS-4: ${name} is no JSON object`, () => {
    assert.equal(readJsonObject(bytes), undefined)
  })
}

const folder = process.env.AUDGATE_VECTORS
const skip = folder === undefined ? 'AUDGATE_VECTORS is not set' : false

test('AS-4: nothing that JSONTestSuite wants rejected is read', { skip }, () => {
  const { cases }: { cases: readonly { name: string; expect: string; b64: string }[] } = JSON.parse(
    readFileSync(join(folder ?? '', 'json-parsing.json'), 'utf8'),
  )
  for (const { name, b64 } of cases.filter(({ expect }) => expect === 'reject')) {
    assert.equal(readJsonObject(Buffer.from(b64, 'base64')), undefined, name)
  }
})
