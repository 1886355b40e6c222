import t from 'tap'
import { ABSENT, MALFORMED } from '../../lib/header/authorization'
import { asString, checkNested, define, defined, optionalRealm, optionalString, ownString, refuseUndefined, requiredString, schemeOptions, scopeDescriptions, type SchemeKind } from '../../lib/schemes/definition'

const kind: SchemeKind = {
  openapi: { type: 'http', scheme: 'x' },
  challenge: { scheme: 'X', bearer: false },
  declaredScopes: null,
  tokenOf: asString,
  emptyCredentials: '',
  extract: () => ABSENT,
  trustedOrigins: null
}

const verify = (): boolean => true
const bad: ReadonlyArray<readonly [rule: string, options: object, message: string]> = [
  ['schemeName must be a string', { schemeName: 1 }, 'the option `schemeName` must be a string that is not empty'],
  ['schemeName must not be empty', { schemeName: '' }, 'the option `schemeName` must be a string that is not empty'],
  ['schemeName must fit into the document', { schemeName: 'a b' }, 'the option `schemeName` must consist of A-Z, a-z, 0-9, ".", "-" and "_"'],
  ['schemeName must not be __proto__', { schemeName: '__proto__' }, 'the option `schemeName` must consist of A-Z, a-z, 0-9, ".", "-" and "_"'],
  ['autoError must be a boolean', { autoError: 'false' }, 'the option `autoError` must be true or false'],
  ['autoError must not be null', { autoError: null }, 'the option `autoError` must be true or false'],
  ['verify must be a function', { verify: true }, 'the option `verify` must be a function, or false for credentials that are not verified'],
  ['grantedScopes must be a function', { verify, grantedScopes: ['a'] }, 'the option `grantedScopes` must be a function'],
  ['grantedScopes needs verify, and false is none', { verify: false, grantedScopes: () => [] }, 'the option `grantedScopes` needs the option `verify`: without it there is no user to read them from'],
  ['verify must not be null', { verify: null }, 'the option `verify` must be a function, or false for credentials that are not verified'],
  ['grantedScopes needs verify', { grantedScopes: () => [] }, 'the option `grantedScopes` needs the option `verify`: without it there is no user to read them from']
]

for (const [rule, options, message] of bad) {
  t.test(rule, async (t) => {
    t.throws(() => define('factory', options as Record<string, unknown>, 'Name', kind), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `factory: ${message}` })
  })
}

t.test('the options that all factories share', async (t) => {
  t.strictSame(define('factory', {}, 'Name', kind), { ...kind, name: 'Name', autoError: true, verify: undefined, extractionOnly: false, grantedScopes: undefined, resource: null })
  t.strictSame(define('factory', { verify: false }, 'Name', kind), { ...kind, name: 'Name', autoError: true, verify: undefined, extractionOnly: true, grantedScopes: undefined, resource: null })
  const grantedScopes = (): string[] => []
  t.match(define('factory', { schemeName: 'My.Name_1-a', autoError: false, verify, grantedScopes }, 'Name', kind), { name: 'My.Name_1-a', autoError: false, verify, grantedScopes })
})

t.test('options must be an object without unknown members', async (t) => {
  for (const options of [null, undefined, 'x', 1, []]) t.throws(() => schemeOptions('factory', options, []), { message: 'factory: the options must be an object' })
  t.throws(() => schemeOptions('factory', { autoerror: false }, ['own']), {
    message: 'factory: there is no option `autoerror`: it takes own, schemeName, description, autoError, verify, grantedScopes'
  })
  t.throws(() => schemeOptions('factory', { description: 1 }, []), { message: 'factory: the option `description` must be a string' })
  const options = Object.freeze({ own: 1, description: 'text' })
  t.equal(schemeOptions('factory', options, ['own']), options)
})

t.test('an option that has options itself must be an object without unknown and undefined members', async (t) => {
  for (const own of [null, undefined, 'x', 1, []]) t.throws(() => checkNested('factory', { own }, 'own', []), { message: 'factory: the option `own` must be an object' })
  t.throws(() => checkNested('factory', {}, 'constructor', []), { message: 'factory: the option `constructor` must be an object' })
  t.throws(() => checkNested('factory', { own: { other: 1 } }, 'own', ['member']), { message: 'factory.own: there is no option `other`: it takes member' })
  t.throws(() => checkNested('factory', { own: { member: undefined } }, 'own', ['member']), { message: /^factory\.own: the option `member` is undefined/ })
  const own = Object.freeze({ member: 1 })
  t.equal(checkNested('factory', { own }, 'own', ['member']), own)
})

t.test('an option that is there and undefined is a mistake', async (t) => {
  for (const key of ['own', 'schemeName', 'description', 'autoError', 'verify', 'grantedScopes']) {
    t.throws(() => schemeOptions('factory', { [key]: undefined }, ['own']), {
      name: 'TypeError',
      code: 'FST_AUTH_BAD_OPTION',
      message: `factory: the option \`${key}\` is undefined: leave it out, or import it from a module that does not import this one (a circular import)`
    })
  }
  t.doesNotThrow(() => { refuseUndefined('f', { a: null, b: false, c: 0, d: '' }) })
  t.throws(() => { refuseUndefined('f', { a: undefined }, 'the part') }, { message: /^f: the part `a` is undefined/ })
})

t.test('strings', async (t) => {
  t.equal(requiredString('f', { a: 'x' }, 'a'), 'x')
  for (const a of [undefined, '', null, 1, ['x']]) t.throws(() => requiredString('f', { a }, 'a'), { message: 'f: the option `a` must be a string that is not empty' })
  t.equal(optionalString('f', {}, 'a'), undefined)
  t.throws(() => optionalString('f', { a: null }, 'a'), { message: 'f: the option `a` must be a string that is not empty' })
})

t.test('a realm must be sendable', async (t) => {
  t.equal(optionalRealm('f', undefined), undefined)
  t.equal(optionalRealm('f', 'Items'), 'Items')
  for (const realm of [null, 1, 'a\nb', 'Bücher']) {
    t.throws(() => optionalRealm('f', realm), { name: 'TypeError', message: 'f: the option `realm` must be a string of ASCII characters, none of them a control character' })
  }
})

t.test('scopes are an object of names and descriptions', async (t) => {
  t.strictSame(scopeDescriptions('f', undefined), {})
  const scopes = Object.freeze({ 'a:b': 'Text', c: '' })
  t.strictSame(scopeDescriptions('f', scopes), scopes)
  t.not(scopeDescriptions('f', scopes), scopes)
  for (const value of [null, 'read', ['read'], 1]) t.throws(() => scopeDescriptions('f', value), { message: 'f: the option `scopes` must be an object of scope names and their descriptions' })
  t.throws(() => scopeDescriptions('f', { 'a b': '' }), { message: /names "a b", which is no scope/ })
  t.throws(() => scopeDescriptions('f', { a: true }), { message: 'f: the option `scopes` must describe "a" with a string' })
})

t.test('undefined members are left out', async (t) => {
  t.strictSame(defined({ a: 1, b: undefined, c: null }), { a: 1, c: null })
})

t.test('a key is one string of an own property', async (t) => {
  t.equal(ownString({ k: 'v' }, 'k'), 'v')
  t.equal(ownString({ k: ' ' }, 'k'), ' ')
  for (const object of [undefined, null, 'k', {}, { k: '' }, { k: undefined }, Object.create({ k: 'v' })]) t.equal(ownString(object, 'k'), ABSENT)
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) t.equal(ownString({}, name), ABSENT, name)
  for (const value of [['v'], 1, true, null, { v: 1 }, [], '\0', 'a\nb', 'a\x7f']) t.equal(ownString({ k: value }, 'k'), MALFORMED)
  t.equal(asString('v'), 'v')
})
