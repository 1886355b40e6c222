import t from 'tap'
import { membersOf, readObject } from '../../lib/provider/json'

t.test('one object, each name in it once', async (t) => {
  const texts: ReadonlyArray<[text: string, isRead: boolean]> = [
    ['{}', true], ['{"a":1,"b":{"a":[{"a":2}]}}', true], ['{ "a" : "\\":" , "b\\"": "\\\\" }', true], ['{"a":"b\\":c"}', true],
    ['{"a":1,"a":1}', false], ['{"a":{"b":1,"b":2}}', false], ['{"a":1,"\\u0061":2}', false], ['{"a":1,"a" \n : 2}', false],
    ['{"__proto__":{"sub":"x"}}', false], ['{"a":[{"\\u005f_proto__":1}]}', false],
    ['[]', false], ['null', false], ['1', false], ['"a"', false], ['', false], ['{', false], ['\ufeff{}', false], ['{"a":NaN}', false]
  ]
  for (const [text, isRead] of texts) t.strictSame(readObject(text), isRead ? JSON.parse(text) : null, text)
})

t.test('32 levels are read, and not one more', async (t) => {
  const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  t.ok(readObject(nested(32)))
  t.equal(readObject(nested(33)), null)
  t.equal(readObject(nested(8000)), null)
  t.ok(Number.isNaN(membersOf(JSON.parse(nested(33)))))
  t.equal(membersOf(JSON.parse('{"a":{"b":1},"c":[{"d":null}]}')), 4)
})
