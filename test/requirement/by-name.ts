import t from 'tap'
import { createScheme } from '../../lib/scheme'
import { apiKeyHeader } from '../../lib/schemes/api-key'
import { httpBearer } from '../../lib/schemes/http'
import { SchemesByName } from '../../lib/requirement/by-name'
import { registration } from './helpers'

const schemes = new SchemesByName()
const one = createScheme(httpBearer(), registration)
const doubles = [1, 2].map(() => createScheme(apiKeyHeader({ name: 'k', schemeName: 'Double' }), registration))
for (const scheme of [one, ...doubles]) schemes.add(scheme)

t.test('a value that is no requirement names no scheme', async (t) => {
  for (const security of [undefined, null, 'HTTPBearer', {}, [null], [undefined], [[]],
    new Array(1)]) t.notOk(schemes.isNamedIn(security))
})

t.test('names become schemes', async (t) => {
  t.strictSame(schemes.toSecurity('GET /', [{ HTTPBearer: ['a'] }, {}]), [[{ scheme: one, scopes: ['a'] }], {}])
  t.strictSame(schemes.toSecurity('GET /', []), [])
  t.equal(schemes.definition('HTTPBearer')?.name, 'HTTPBearer')
  t.equal(schemes.definition('constructor'), undefined)
  t.strictSame(schemes.definitions.map(({ name }) => name), ['HTTPBearer', 'Double', 'Double'])
  t.ok(schemes.isNamedIn([{}, { Other: [], HTTPBearer: [] }]))
  for (const other of [undefined, [], [{}], [{ Other: [] }], 'HTTPBearer']) t.notOk(schemes.isNamedIn(other))
})

const notAList = '`schema.security` must be an array of OpenAPI security requirements, such as [{ OAuth2PasswordBearer: [] }]'
const notAnAlternative = 'each alternative in `schema.security` must be an object of scheme names and their scopes'
const unknown = (name: string, made: string): string =>
  `\`schema.security\` names the scheme "${name}", which no factory of \`app.authSchemes\` has made (made so far: ${made}); ` +
  'make it before the route, or correct the name; scheme objects belong into the option `security`'

const bad: ReadonlyArray<readonly [rule: string, written: unknown, code: string, message: string]> = [
  ['undefined is no list', undefined, 'FST_AUTH_BAD_SECURITY', notAList],
  ['an object is no list', { HTTPBearer: [] }, 'FST_AUTH_BAD_SECURITY', notAList],
  ['null is no list', null, 'FST_AUTH_BAD_SECURITY', notAList],
  ['a name is no alternative', ['HTTPBearer'], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['null is no alternative', [null], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a list is no alternative', [[]], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a scheme is no alternative', [one], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a map does not pass for {}', [new Map([['HTTPBearer', []]])], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a promise does not pass for {}', [Promise.resolve({ HTTPBearer: [] })], 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['inherited names do not pass for {}', [Object.create({ HTTPBearer: [] })], 'FST_AUTH_BAD_SECURITY',
    notAnAlternative],
  ['a hole is no alternative', new Array(1), 'FST_AUTH_BAD_SECURITY', notAnAlternative],
  ['a name that no factory has made', [{ Unknown: [] }], 'FST_AUTH_UNKNOWN_SCHEME',
    unknown('Unknown', '"HTTPBearer", "Double"')],
  ['a name of a prototype', [{ toString: [] }], 'FST_AUTH_UNKNOWN_SCHEME',
    unknown('toString', '"HTTPBearer", "Double"')],
  ['a name that means two', [{ Double: [] }], 'FST_AUTH_UNKNOWN_SCHEME',
    '`schema.security` names the scheme "Double", but several are called so; require the one that is meant by the option `security`']
]

for (const [rule, written, code, message] of bad) {
  t.test(`refused at boot: ${rule}`, async (t) => {
    t.throws(() => schemes.toSecurity('GET /', written), { code, message: `GET /: ${message}` })
  })
}

t.test('refused at boot: a name where no scheme was made', async (t) => {
  t.throws(() => new SchemesByName().toSecurity('GET /', [{ HTTPBearer: [] }]),
    { code: 'FST_AUTH_UNKNOWN_SCHEME', message: `GET /: ${unknown('HTTPBearer', 'none')}` })
})
