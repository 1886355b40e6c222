import t from 'tap'
import * as options from '../../lib/provider/options'
import { processWarnings } from './helpers'

const bad = (message: string) => ({ name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message })

t.test('options are an object whose members are known, given and not undefined', async (t) => {
  const read = (value: unknown) => options.readOptions('x', value, ['a'], ['b'])
  const given = { a: 1, b: 2 }
  t.strictSame(read(given), given)
  t.not(read(given), given, 'a copy')
  for (const value of [null, undefined, 'a', 1, [], [{ a: 1 }]]) t.throws(() => read(value), bad('x: the options must be an object'))
  t.throws(() => read({ a: 1, c: 2 }), bad('x: there is no option `c`: it takes a, b'))
  t.throws(() => read(JSON.parse('{"a":1,"__proto__":{}}')), bad('x: there is no option `__proto__`: it takes a, b'))
  t.throws(() => read({ a: undefined }), bad('x: the option `a` is undefined'))
  t.throws(() => read({ a: 1, b: undefined }), bad('x: the option `b` is undefined'))
  t.throws(() => read({ b: 1 }), bad('x: the option `a` is required'))
  t.throws(() => read(Object.create({ a: 1 })), bad('x: the option `a` is required'), 'what is inherited is not given')
})

t.test('texts', async (t) => {
  t.equal(options.requiredText('x', { a: 'b' }, 'a'), 'b')
  for (const a of ['', null, 1, ['b']]) t.throws(() => options.requiredText('x', { a }, 'a'), bad('x: the option `a` must be a string that is not empty'))
})

t.test('whole numbers in a range', async (t) => {
  const read = (value: object) => options.wholeNumber('x', { ...value }, 'a', 5, 0, 10)
  t.strictSame([read({}), read({ a: 0 }), read({ a: 10 })], [5, 0, 10])
  for (const a of [-1, 11, 1.5, NaN, Infinity, '5', null, true]) t.throws(() => read({ a }), bad('x: the option `a` must be a whole number from 0 to 10'))
  t.throws(() => options.wholeNumber('x', {}, 'a', undefined, 1), bad(`x: the option \`a\` must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`))
})

t.test('functions', async (t) => {
  const a = (): void => {}
  t.equal(options.optionalFunction('x', { a }, 'a'), a)
  t.equal(options.optionalFunction('x', {}, 'a'), undefined)
  for (const a of [null, 'f', {}]) t.throws(() => options.optionalFunction('x', { a }, 'a'), bad('x: the option `a` must be a function'))
})

t.test('audiences are copied, and none is a warning', async (t) => {
  const warnings = processWarnings(t)
  t.strictSame(options.audiences('x', { audience: 'a' }), ['a'])
  const list = ['a', 'b']
  const read = options.audiences('x', { audience: list })
  list.push('c')
  t.strictSame(read, ['a', 'b'])
  for (const audience of ['', [], [''], ['a', null], [['a']], new Array(1), {}, 1, true]) {
    t.throws(() => options.audiences('x', { audience }), bad('x: the option `audience` must be a string, a list of strings, or null'))
  }
  t.strictSame(warnings, [])
  t.equal(options.audiences('x', { audience: null, issuer: 'i' }), null)
  t.equal(options.audiences('x', { audience: null, endpoint: 'e' }), null)
  t.strictSame(warnings, ['i', 'e'].map((of) => `x: \`audience\` is null, so tokens for every API of ${of} are accepted`))
})
