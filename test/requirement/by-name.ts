import t from 'tap'
import { createScheme } from '../../lib/scheme'
import { apiKeyHeader } from '../../lib/schemes/api-key'
import { httpBearer } from '../../lib/schemes/http'
import { SchemesByName } from '../../lib/requirement/by-name'

const schemes = new SchemesByName()
const [one, two, twin] = [httpBearer(), apiKeyHeader({ name: 'k', schemeName: 'Twin' }), apiKeyHeader({ name: 'k', schemeName: 'Twin' })].map((definition) => createScheme(definition, {}))
for (const scheme of [one, two, twin]) if (scheme !== undefined) schemes.add(scheme)

t.test('what is no requirement names no scheme', async (t) => {
  for (const security of [undefined, null, 'HTTPBearer', {}, [null], [undefined], [[]]]) t.notOk(new SchemesByName().isNamedIn(security))
})

t.test('names become schemes', async (t) => {
  t.strictSame(schemes.toSecurity('GET /', [{ HTTPBearer: ['a'] }, {}]), [[{ scheme: one, scopes: ['a'] }], {}])
  t.strictSame(schemes.toSecurity('GET /', []), [])
  t.equal(schemes.definition('HTTPBearer')?.name, 'HTTPBearer')
  t.equal(schemes.definition('constructor'), undefined)
  t.ok(schemes.isNamedIn([{}, { Other: [], HTTPBearer: [] }]))
  for (const other of [undefined, [], [{}], [{ Other: [] }], 'HTTPBearer']) t.notOk(schemes.isNamedIn(other))
})

const bad: ReadonlyArray<readonly [rule: string, written: unknown, code: string, message: string]> = [
  ['an object is no list', { HTTPBearer: [] }, 'FST_AUTH_BAD_SECURITY', '`schema.security` must be an array of OpenAPI security requirements, such as [{ OAuth2PasswordBearer: [] }]'],
  ['null is no list', null, 'FST_AUTH_BAD_SECURITY', '`schema.security` must be an array of OpenAPI security requirements, such as [{ OAuth2PasswordBearer: [] }]'],
  ['a name is no alternative', ['HTTPBearer'], 'FST_AUTH_BAD_SECURITY', 'each alternative in `schema.security` must be an object of scheme names and their scopes'],
  ['null is no alternative', [null], 'FST_AUTH_BAD_SECURITY', 'each alternative in `schema.security` must be an object of scheme names and their scopes'],
  ['a list is no alternative', [[]], 'FST_AUTH_BAD_SECURITY', 'each alternative in `schema.security` must be an object of scheme names and their scopes'],
  ['a map does not pass for {}', [new Map([['HTTPBearer', []]])], 'FST_AUTH_BAD_SECURITY', 'each alternative in `schema.security` must be an object of scheme names and their scopes'],
  ['a promise does not pass for {}', [Promise.resolve({ HTTPBearer: [] })], 'FST_AUTH_BAD_SECURITY', 'each alternative in `schema.security` must be an object of scheme names and their scopes'],
  ['inherited names do not pass for {}', [Object.create({ HTTPBearer: [] })], 'FST_AUTH_BAD_SECURITY', 'each alternative in `schema.security` must be an object of scheme names and their scopes'],
  ['a hole is no alternative', new Array(1), 'FST_AUTH_BAD_SECURITY', 'each alternative in `schema.security` must be an object of scheme names and their scopes'],
  ['a name that nobody has made', [{ Unknown: [] }], 'FST_AUTH_UNKNOWN_SCHEME',
    '`schema.security` names the scheme "Unknown", which no factory of `app.authSchemes` has made; make it before the route, or correct the name; scheme objects belong into the option `security`'],
  ['a name of a prototype', [{ toString: [] }], 'FST_AUTH_UNKNOWN_SCHEME',
    '`schema.security` names the scheme "toString", which no factory of `app.authSchemes` has made; make it before the route, or correct the name; scheme objects belong into the option `security`'],
  ['a name that means two', [{ Twin: [] }], 'FST_AUTH_UNKNOWN_SCHEME',
    '`schema.security` names the scheme "Twin", but several are called so; require the one that is meant by the option `security`']
]

for (const [rule, written, code, message] of bad) {
  t.test(`refused at boot: ${rule}`, async (t) => {
    t.throws(() => schemes.toSecurity('GET /', written), { code, message: `GET /: ${message}` })
  })
}
