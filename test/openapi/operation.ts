import t from 'tap'
import { toRequirement } from '../../lib/requirement/plan'
import { createScheme } from '../../lib/scheme'
import { apiKeyCookie, apiKeyHeader, apiKeyQuery } from '../../lib/schemes/api-key'
import { httpBearer } from '../../lib/schemes/http'
import { oauth2PasswordBearer } from '../../lib/schemes/oauth2'
import { completeOperation as complete, tell, toSecurity as write, type DocumentObject } from '../../lib/openapi/operation'
import { normalize, type Groups } from '../../lib/requirement/read'

const owner = {}
const verify = (): boolean => true
const oauth2 = createScheme(oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' }, verify }), owner)
const header = createScheme(apiKeyHeader({ name: 'X-Key', verify }), owner)
const query = createScheme(apiKeyQuery({ name: 'key' }), owner)
const cookie = createScheme(apiKeyCookie({ name: 'sid' }), owner)
const twin = createScheme(apiKeyQuery({ name: 'key' }), owner)
const odd = createScheme(httpBearer({ schemeName: 'constructor' }), owner)
const groups = (...security: unknown[]): Groups => normalize('x', security, owner)

const toSecurity = (list: Groups, document: object): object[] => write(toRequirement(list), document)

const completeOperation = (operation: DocumentObject, list: Groups | null, document: DocumentObject): DocumentObject => complete(operation, list === null ? null : tell(list, document), document)

const v31 = { openapi: '3.1.0' }
const v30 = { openapi: '3.0.3' }
const responses = { 200: { description: 'Default Response' } }

t.test('security: one object for each alternative, {} last, no duplicates', async (t) => {
  t.strictSame(toSecurity(groups({}, { scheme: oauth2, scopes: ['a'] }, [{ scheme: header }, { scheme: query }]), v31),
    [{ OAuth2PasswordBearer: ['a'] }, { APIKeyHeader: [], APIKeyQuery: [] }, {}])
  t.strictSame(toSecurity(groups({ scheme: query }, { scheme: twin }), v31), [{ APIKeyQuery: [] }], 'two of one name')
  t.strictSame(toSecurity(groups([{ scheme: query, scopes: ['a', 'b'] }, { scheme: header }], [{ scheme: header }, { scheme: twin, scopes: ['b', 'a'] }]), v31),
    [{ APIKeyQuery: ['a', 'b'], APIKeyHeader: [] }], 'in another order')
  t.strictSame(toSecurity(groups([{ scheme: query, scopes: ['a'] }, { scheme: twin, scopes: ['b', 'a'] }]), v31), [{ APIKeyQuery: ['a', 'b'] }])
  t.equal(JSON.stringify(toSecurity(groups({ scheme: odd }), v31)), '[{"constructor":[]}]')
  t.strictSame(toSecurity([], v31), [])
})

t.test('only OAuth2 and OpenID Connect name scopes in OpenAPI 3.0', async (t) => {
  const both = groups([{ scheme: oauth2, scopes: ['a'] }, { scheme: header, scopes: ['role'] }])
  t.strictSame(toSecurity(both, v30), [{ OAuth2PasswordBearer: ['a'], APIKeyHeader: [] }])
  t.strictSame(toSecurity(both, v31), [{ OAuth2PasswordBearer: ['a'], APIKeyHeader: ['role'] }])
  t.strictSame(toSecurity(both, { openapi: '3.2.0' }), [{ OAuth2PasswordBearer: ['a'], APIKeyHeader: ['role'] }])
})

t.test('a route that says nothing gets [] only where the document has a security of its own', async (t) => {
  t.strictSame(completeOperation({ responses, security: [{ Lie: [] }] }, null, v31), { responses })
  t.strictSame(completeOperation({ responses }, null, { ...v31, security: [{ Own: [] }] }), { responses, security: [] })
  t.strictSame(completeOperation({ responses }, [], v31), { responses, security: [] })
})

t.test('401 wherever credentials are taken, 403 where scopes are checked', async (t) => {
  const statuses = (list: Groups): string[] => Object.keys(completeOperation({ responses }, list, v31).responses)
  t.strictSame(statuses(groups({ scheme: query })), ['200', '401'])
  t.strictSame(statuses(groups({ scheme: query }, {})), ['200', '401'])
  t.strictSame(statuses(groups({})), ['200'])
  t.strictSame(statuses(groups({ scheme: query, scopes: ['a'] })), ['200', '401'], 'nobody checks these')
  t.strictSame(statuses(groups({ scheme: oauth2, scopes: ['a'] })), ['200', '401', '403'])
  const { responses: { 401: unauthorized, 403: forbidden } } = completeOperation({ responses }, groups({ scheme: oauth2, scopes: ['a'] }), v31)
  t.match(unauthorized, { description: 'Not authenticated', content: { 'application/json': { schema: { required: ['statusCode', 'code', 'error', 'message'] } } } })
  t.equal(forbidden.description, 'Not enough permissions')
  t.not(unauthorized.content['application/json'].schema, forbidden.content['application/json'].schema)
})

t.test('the route\'s own answers stay', async (t) => {
  const list = groups({ scheme: oauth2, scopes: ['a'] })
  const own = { description: 'Own' }
  t.strictSame(completeOperation({ responses: { 200: own, 401: own, 403: own } }, list, v31).responses, { 200: own, 401: own, 403: own })
  t.strictSame(completeOperation({ responses: { '4XX': own } }, list, v31).responses, { '4XX': own, 401: own, 403: own })
  t.strictSame(completeOperation({ responses: { '4xx': own } }, list, v31).responses, { '4xx': own, 401: own, 403: own })
  t.strictSame(completeOperation({ responses: { default: own } }, list, v31).responses, { default: own, 401: own, 403: own })
})

t.test('an operation that describes no answers gets those of a refusal', async (t) => {
  t.strictSame(Object.keys(completeOperation({ summary: 'x' }, groups({ scheme: query }), v31).responses), ['401'])
})

t.test('what security tells is no parameter', async (t) => {
  const parameters = [
    { in: 'header', name: 'x-key' }, { in: 'header', name: 'AUTHORIZATION' }, { in: 'header', name: 'x-other' },
    { in: 'query', name: 'key' }, { in: 'query', name: 'KEY' }, { in: 'cookie', name: 'sid' }, { in: 'path', name: 'key' }
  ]
  const rest = (list: Groups): unknown[] | undefined => completeOperation({ responses, parameters }, list, v31).parameters?.map((parameter: any) => `${parameter.in} ${parameter.name}`)
  t.strictSame(rest(groups({ scheme: header }, { scheme: query }, { scheme: cookie }, { scheme: oauth2 })), ['header x-other', 'query KEY', 'path key'])
  t.strictSame(rest(groups({ scheme: query })), ['header x-key', 'header AUTHORIZATION', 'header x-other', 'query KEY', 'cookie sid', 'path key'])
  t.notOk('parameters' in completeOperation({ responses, parameters: parameters.slice(0, 1) }, groups({ scheme: header }), v31))
})

t.test('a parameter that the route demands of every request stays, where security needs it not of each', async (t) => {
  const parameters = [{ in: 'header', name: 'x-key', required: true }, { in: 'query', name: 'key', required: false }]
  const rest = (...security: unknown[]): unknown => completeOperation({ responses, parameters }, groups(...security), v31).parameters
  t.strictSame(rest({ scheme: header }, {}), parameters)
  t.strictSame(rest({ scheme: query }, {}), parameters.slice(0, 1))
  t.strictSame(rest({ scheme: header }, { scheme: query }), parameters.slice(0, 1))
  t.strictSame(rest([{ scheme: header }, { scheme: query }], { scheme: header }), undefined)
})

t.test('the schemes of a route', async (t) => {
  t.strictSame(tell(groups([{ scheme: header }, { scheme: query }], {}), v31).definitions.map(({ name }) => name), ['APIKeyHeader', 'APIKeyQuery'])
})
