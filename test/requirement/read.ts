import t from 'tap'
import { checkScopes, isPlainObject, isScopeList, readSecurity, soleRequirement } from '../../lib/requirement/read'
import { createScheme } from '../../lib/scheme'
import { httpBearer } from '../../lib/schemes/http'
import { oauth2PasswordBearer } from '../../lib/schemes/oauth2'
import { basic, bearer, maybe, node, oauth2, perhaps, registration, textOf } from './helpers'

const foreign = createScheme(httpBearer(), { ...registration })

const good: ReadonlyArray<readonly [rule: string, security: unknown, requirement: string[]]> = [
  ['[] is public', [], []],
  ['one scheme', [{ scheme: bearer }], ['HTTPBearer: HTTPBearer']],
  ['scopes', [{ scheme: oauth2, scopes: ['a'] }], ['OAuth2PasswordBearer a: OAuth2PasswordBearer']],
  ['no scopes', [{ scheme: oauth2, scopes: [] }], ['OAuth2PasswordBearer: OAuth2PasswordBearer']],
  ['alternatives are tried in order', [{ scheme: bearer }, { scheme: basic }], ['HTTPBearer: HTTPBearer', 'HTTPBasic: HTTPBasic']],
  ['the first member of an alternative is its subject', [[{ scheme: bearer }, { scheme: basic, scopes: ['x'] }]], ['HTTPBearer & HTTPBasic x: HTTPBearer']],
  ['{} is last, and needs what stands beside it to be absent', [{}, { scheme: bearer }, [{ scheme: basic }, { scheme: oauth2 }]],
    ['HTTPBearer: HTTPBearer', 'HTTPBasic & OAuth2PasswordBearer: HTTPBasic', ' without (HTTPBearer) (HTTPBasic & OAuth2PasswordBearer): nobody']],
  ['{} alone needs nothing', [{}], [': nobody']],
  ['{} twice is {} once', [{}, {}], [': nobody']],
  ['an object without a prototype', [Object.assign(Object.create(null), { scheme: bearer })], ['HTTPBearer: HTTPBearer']],
  ['a scheme that is not enumerable does not pass for {}', [Object.defineProperty({}, 'scheme', { value: bearer })], ['HTTPBearer: HTTPBearer']],
  ['autoError: false is as if {} stood beside it', [{ scheme: maybe }], ['Maybe: Maybe', ' without (Maybe): nobody']],
  ['autoError: false and {} are {} once', [{ scheme: maybe }, {}], ['Maybe: Maybe', ' without (Maybe): nobody']],
  ['autoError: false beside a scheme makes both optional', [{ scheme: maybe }, { scheme: basic }],
    ['Maybe: Maybe', 'HTTPBasic: HTTPBasic', ' without (Maybe) (HTTPBasic): nobody']],
  ['a member with autoError: false may be left out where it is absent', [[{ scheme: maybe }, { scheme: basic }]],
    ['Maybe & HTTPBasic: Maybe', 'HTTPBasic without (Maybe): HTTPBasic']],
  ['each of several may be left out, the fullest comes first', [[{ scheme: maybe }, { scheme: perhaps }]],
    ['Maybe & Perhaps: Maybe', 'Perhaps without (Maybe): Perhaps', 'Maybe without (Perhaps): Maybe', ' without (Maybe & Perhaps) (Perhaps) (Maybe): nobody']],
  ['a member that is listed twice is not left out once', [[{ scheme: maybe }, { scheme: maybe.derive({}) }, { scheme: basic }]],
    ['Maybe & Maybe & HTTPBasic: Maybe', 'HTTPBasic without (Maybe): HTTPBasic']],
  ['a derived scheme', [{ scheme: bearer.derive({}) }], ['HTTPBearer: HTTPBearer']]
]

for (const [rule, security, requirement] of good) {
  t.test(rule, async (t) => { t.strictSame(textOf(readSecurity('GET /', security, registration)), requirement) })
}

t.test('the subject is the scheme that is listed, not its base', async (t) => {
  const derived = bearer.derive({})
  t.equal(readSecurity('x', [{ scheme: derived }], registration)[0]?.subject, node(derived))
})

t.test('the arrays that the user passed are neither written to nor kept', async (t) => {
  const scopes = ['a']
  const security = [Object.freeze({ scheme: oauth2, scopes })]
  const requirement = readSecurity('GET /', Object.freeze(security), registration)
  scopes.push('b')
  t.strictSame(textOf(requirement), ['OAuth2PasswordBearer a: OAuth2PasswordBearer'])
})

const optional = (_: unknown, i: number): object => ({ scheme: createScheme(httpBearer({ schemeName: `Optional${i}`, autoError: false }), registration) })
const notAList = '`security` must be an array of alternatives, such as [{ scheme, scopes }]; [] is public'
const notAnAlternative = 'each alternative in `security` must be { scheme, scopes? }, an array of these, or {}'
const notAScheme = 'a `scheme` in `security` was not made by a factory of `app.authSchemes`'
const isUndefined = (key: string): string => `the \`${key}\` of an alternative in \`security\` is undefined: look for a missing import, or one that is circular`
const noScopes = (name: string): string => `the \`scopes\` required of "${name}" must be an array of scope names`
const bad: ReadonlyArray<readonly [rule: string, security: unknown, code: string, message: string]> = [
  ['undefined is no list', undefined, 'FST_AUTH_BAD_SECURITY', notAList],
  ['null is no list', null, 'FST_AUTH_BAD_SECURITY', notAList],
  ['true is no list', true, 'FST_AUTH_BAD_SECURITY', notAList],
  ['a requirement is no list', { scheme: bearer }, 'FST_AUTH_BAD_SECURITY', notAList],
  ['a scheme is no list', bearer, 'FST_AUTH_BAD_SECURITY', notAList],
  ['a string is no list', 'HTTPBearer', 'FST_AUTH_BAD_SECURITY', notAList],
  ['an array-like is no list', { length: 0 }, 'FST_AUTH_BAD_SECURITY', notAList],
  ['an empty array as an alternative', [[]], 'FST_AUTH_BAD_SECURITY',
    'an alternative in `security` is an empty array; write {} for optional authentication'],
  ['{} as a member', [[{ scheme: bearer }, {}]], 'FST_AUTH_BAD_SECURITY',
    '{} stands inside an alternative in `security`; for optional authentication it stands beside the alternative'],
  ['an array as a member', [[[{ scheme: bearer }]]], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a hole', new Array(1), 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a hole as a member', [new Array(1)], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['null as an alternative', [null], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a string as an alternative', ['HTTPBearer'], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a scheme as an alternative', [bearer], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a promise does not pass for {}', [Promise.resolve(bearer)], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a map does not pass for {}', [new Map()], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['an undefined scheme', [{ scheme: undefined }], 'FST_AUTH_BAD_SECURITY', isUndefined('scheme')],
  ['an undefined scheme beside its scopes', [{ scheme: undefined, scopes: [] }], 'FST_AUTH_BAD_SECURITY', isUndefined('scheme')],
  ['undefined scopes', [{ scheme: bearer, scopes: undefined }], 'FST_AUTH_BAD_SECURITY', isUndefined('scopes')],
  ['scopes without a scheme', [{ scopes: ['a'] }], 'FST_AUTH_BAD_SECURITY', notAScheme],
  ['a scheme of null', [{ scheme: null }], 'FST_AUTH_BAD_SECURITY', notAScheme],
  ['the hook of a scheme', [{ scheme: bearer.preHandler }], 'FST_AUTH_BAD_SECURITY', notAScheme],
  ['a symbol as a key does not pass for {}', [{ [Symbol('scheme')]: bearer }], 'FST_AUTH_BAD_SECURITY', notAScheme],
  ['a name for a scheme', [{ scheme: 'HTTPBearer' }], 'FST_AUTH_BAD_SECURITY', notAScheme],
  ['a copy of a scheme', [{ scheme: { ...bearer } }], 'FST_AUTH_BAD_SECURITY', notAScheme],
  ['a misspelt key', [{ scheme: bearer, scope: ['a'] }], 'FST_AUTH_BAD_SECURITY',
    '`security` has the key "scope", but takes only "scheme" and "scopes"; requirements by name belong into `schema.security`'],
  ['the form of schema.security', [{ HTTPBearer: [] }], 'FST_AUTH_BAD_SECURITY',
    '`security` has the key "HTTPBearer", but takes only "scheme" and "scopes"; requirements by name belong into `schema.security`'],
  ['a string of scopes', [{ scheme: oauth2, scopes: 'a' }], 'FST_AUTH_BAD_SECURITY', noScopes('OAuth2PasswordBearer')],
  ['null for scopes', [{ scheme: bearer, scopes: null }], 'FST_AUTH_BAD_SECURITY', noScopes('HTTPBearer')],
  ['a scope with a space', [{ scheme: bearer, scopes: ['a b'] }], 'FST_AUTH_BAD_SECURITY', noScopes('HTTPBearer')],
  ['a scope that is no string', [{ scheme: bearer, scopes: [1] }], 'FST_AUTH_BAD_SECURITY', noScopes('HTTPBearer')],
  ['a scope that is not declared', [{ scheme: oauth2, scopes: ['c'] }], 'FST_AUTH_UNKNOWN_SCOPE',
    'the scheme "OAuth2PasswordBearer" does not declare the scope "c" (declared: "a", "b"); correct it, or add it to the `scopes` of the scheme'],
  ['a scheme of another application', [{ scheme: foreign }], 'FST_AUTH_UNKNOWN_SCHEME',
    'the scheme "HTTPBearer" belongs to another application or to another registration of the plugin'],
  ['more alternatives than can be meant', [Array.from({ length: 9 }, optional)], 'FST_AUTH_BAD_SECURITY',
    '`security` has more than 256 alternatives, multiplied by those of the parent contexts; require fewer schemes at once']
]

for (const [rule, security, code, message] of bad) {
  t.test(`refused at boot: ${rule}`, async (t) => {
    t.throws(() => readSecurity('GET /items', security, registration), { code, message: `GET /items: ${message}`, statusCode: 500 })
  })
}

t.test('a scheme alone is optional where it has autoError: false', async (t) => {
  t.strictSame(textOf(soleRequirement('x', node(bearer))), ['HTTPBearer: HTTPBearer'])
  t.strictSame(textOf(soleRequirement('x', node(maybe))), ['Maybe: Maybe', ' without (Maybe): nobody'])
  const derived = node(maybe.derive({}))
  const [alone, nobody] = soleRequirement('x', derived)
  t.equal(alone?.subject, derived)
  t.equal(nobody?.leftOut[0]?.[0], node(maybe))
})

t.test('lists of scopes', async (t) => {
  for (const value of [[], ['a', 'b:c']]) t.ok(isScopeList(value))
  // eslint-disable-next-line no-sparse-arrays
  for (const value of ['a', undefined, null, {}, [1], ['a b'], [''], [,], [['a']], new Set(['a'])]) t.notOk(isScopeList(value))
})

t.test('scopes that a scheme does not declare', async (t) => {
  t.throws(() => { checkScopes('GET /', oauth2PasswordBearer({ tokenUrl: 't', scopes: { a: '' } }), ['a', 'toString']) }, {
    code: 'FST_AUTH_UNKNOWN_SCOPE',
    message: 'GET /: the scheme "OAuth2PasswordBearer" does not declare the scope "toString" (declared: "a"); correct it, or add it to the `scopes` of the scheme'
  })
  t.throws(() => { checkScopes('GET /', oauth2PasswordBearer({ tokenUrl: 't' }), ['a']) }, { message: /\(declared: none\)/ })
  checkScopes('GET /', httpBearer(), ['anything'])
})

t.test('objects of no class', async (t) => {
  for (const value of [{}, Object.create(null), { a: 1 }]) t.ok(isPlainObject(value))
  for (const value of [undefined, null, 'a', 1, [], new Map(), () => {}, Object.create({}), bearer]) t.notOk(isPlainObject(value))
})
