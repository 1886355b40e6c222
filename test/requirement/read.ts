import t from 'tap'
import { createScheme, nodeOf } from '../../lib/scheme'
import { httpBasic, httpBearer } from '../../lib/schemes/http'
import { oauth2PasswordBearer } from '../../lib/schemes/oauth2'
import { both, limited, normalize, type Groups } from '../../lib/requirement/read'

const owner = {}
const bearer = createScheme(httpBearer(), owner)
const basic = createScheme(httpBasic(), owner)
const maybe = createScheme(httpBearer({ schemeName: 'Maybe', autoError: false }), owner)
const perhaps = createScheme(httpBearer({ schemeName: 'Perhaps', autoError: false }), owner)
const oauth2 = createScheme(oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A' } }), owner)
const foreign = createScheme(httpBearer(), {})

const names = (groups: Groups): string[] => groups.map(({ entries }) => entries.map(({ node, scopes }) => [node.definition.name, ...scopes].join(' ')).join(' & '))

const good: ReadonlyArray<readonly [rule: string, security: unknown, groups: string[]]> = [
  ['[] is public', [], []],
  ['one scheme', [{ scheme: bearer }], ['HTTPBearer']],
  ['scopes', [{ scheme: oauth2, scopes: ['a'] }], ['OAuth2PasswordBearer a']],
  ['scopes that are undefined are none', [{ scheme: bearer, scopes: undefined }], ['HTTPBearer']],
  ['alternatives', [{ scheme: bearer }, { scheme: basic }], ['HTTPBearer', 'HTTPBasic']],
  ['a group', [[{ scheme: bearer }, { scheme: basic, scopes: ['x'] }]], ['HTTPBearer & HTTPBasic x']],
  ['{} needs nothing', [{}, { scheme: bearer }], ['', 'HTTPBearer']],
  ['an object without a prototype', [Object.assign(Object.create(null), { scheme: bearer })], ['HTTPBearer']],
  ['a scheme that is not enumerable does not pass for {}', [Object.defineProperty({}, 'scheme', { value: bearer })], ['HTTPBearer']],
  ['autoError: false is {} beside it', [{ scheme: maybe }], ['Maybe', '']],
  ['autoError: false in a group may be left out', [[{ scheme: maybe }, { scheme: basic }]], ['Maybe & HTTPBasic', 'HTTPBasic']],
  ['each of several may be left out, the fullest comes first', [[{ scheme: maybe }, { scheme: perhaps }]], ['Maybe & Perhaps', 'Perhaps', 'Maybe', '']],
  ['a derived scheme', [{ scheme: bearer.derive({}) }], ['HTTPBearer']]
]

for (const [rule, security, groups] of good) {
  t.test(rule, async (t) => { t.strictSame(names(normalize('GET /', security, owner)).sort(), groups.slice().sort()) })
}

t.test('the first scheme that is listed is the own one', async (t) => {
  const own = (security: unknown): unknown[] => normalize('GET /', security, owner).map(({ own }) => own?.definition.name ?? null)
  t.strictSame(own([[{ scheme: maybe }, { scheme: basic }], {}]), ['Maybe', 'HTTPBasic', null])
})

t.test('what the user passed is neither written to nor kept', async (t) => {
  const scopes = ['a']
  const security = [Object.freeze({ scheme: oauth2, scopes })]
  const groups = normalize('GET /', Object.freeze(security), owner)
  scopes.push('b')
  t.strictSame(names(groups), ['OAuth2PasswordBearer a'])
})

const notAList = '`security` must be an array of alternatives, such as [{ scheme, scopes }]; [] is public'
const notAnAlternative = 'each alternative in `security` must be { scheme, scopes? }, an array of these, or {}'
const notAScheme = 'a `scheme` in `security` was not made by a factory of `app.authSchemes`'
const noScopes = (name: string): string => `the \`scopes\` required of "${name}" must be an array of scope names`
const bad: ReadonlyArray<readonly [rule: string, security: unknown, code: string, message: string]> = [
  ['undefined is no list', undefined, 'FST_AUTH_BAD_SECURITY', notAList],
  ['null is no list', null, 'FST_AUTH_BAD_SECURITY', notAList],
  ['true is no list', true, 'FST_AUTH_BAD_SECURITY', notAList],
  ['a requirement is no list', { scheme: bearer }, 'FST_AUTH_BAD_SECURITY', notAList],
  ['a scheme is no list', bearer, 'FST_AUTH_BAD_SECURITY', notAList],
  ['a string is no list', 'HTTPBearer', 'FST_AUTH_BAD_SECURITY', notAList],
  ['an array-like is no list', { length: 0 }, 'FST_AUTH_BAD_SECURITY', notAList],
  ['an empty group', [[]], 'FST_AUTH_BAD_SECURITY', 'a group in `security` is empty; write {} for optional authentication'],
  ['{} in a group', [[{ scheme: bearer }, {}]], 'FST_AUTH_BAD_SECURITY', '{} stands in a group in `security`; for optional authentication it stands beside the group'],
  ['a group in a group', [[[{ scheme: bearer }]]], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a hole', new Array(1), 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a hole in a group', [new Array(1)], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['null as an alternative', [null], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a string as an alternative', ['HTTPBearer'], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a scheme as an alternative', [bearer], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a promise does not pass for {}', [Promise.resolve(bearer)], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a map does not pass for {}', [new Map()], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['an undefined scheme', [{ scheme: undefined }], 'FST_AUTH_BAD_SECURITY', notAScheme],
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
  ['a scope that is not declared', [{ scheme: oauth2, scopes: ['b'] }], 'FST_AUTH_UNKNOWN_SCOPE',
    'the scheme "OAuth2PasswordBearer" does not declare the scope "b": add it to the `scopes` of the scheme'],
  ['a scheme of another application', [{ scheme: foreign }], 'FST_AUTH_UNKNOWN_SCHEME',
    'the scheme "HTTPBearer" belongs to another application or to another registration of the plugin'],
  ['more alternatives than can be meant', [Array.from({ length: 9 }, () => ({ scheme: maybe }))], 'FST_AUTH_BAD_SECURITY',
    '`security` has more than 256 alternatives, with those of the surrounding contexts multiplied; require fewer schemes at once']
]

for (const [rule, security, code, message] of bad) {
  t.test(`refused at boot: ${rule}`, async (t) => {
    t.throws(() => normalize('GET /items', security, owner), { code, message: `GET /items: ${message}`, statusCode: 500 })
  })
}

t.test('both: what repeats is said once', async (t) => {
  const list = normalize('x', [{ scheme: bearer, scopes: ['a', 'b'] }, { scheme: basic }], owner)
  let sum: Groups = list
  for (let i = 0; i < 30; i++) sum = both(sum, normalize('x', [{ scheme: bearer, scopes: ['b', 'a'] }, { scheme: basic }], owner))
  t.strictSame(names(sum).sort(), ['HTTPBasic', 'HTTPBearer b a', 'HTTPBearer b a & HTTPBasic'])
})

t.test('both: every alternative of the one with every one of the other, the outer first', async (t) => {
  const outer = normalize('x', [{ scheme: bearer }, {}], owner)
  const inner = normalize('x', [{ scheme: basic }, { scheme: oauth2 }], owner)
  const result = both(outer, inner)
  t.strictSame(names(result), ['HTTPBearer & HTTPBasic', 'HTTPBearer & OAuth2PasswordBearer', 'HTTPBasic', 'OAuth2PasswordBearer'])
  t.equal(result[0]?.own, nodeOf(basic))
  t.throws(() => limited('x', new Array(257)), { code: 'FST_AUTH_BAD_SECURITY' })
  t.equal(limited('x', new Array(256)).length, 256)
})
