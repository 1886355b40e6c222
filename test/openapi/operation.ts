import t from 'tap'
import {
  completeOperation as complete, describe, kOperation, partsOf, toSecurity as write, type Description
} from '../../lib/openapi/operation'
import type { DocumentObject } from '../../lib/openapi/swagger'
import type { Requirement } from '../../lib/requirement/combine'
import { toPlan } from '../../lib/requirement/plan'
import { readSecurity } from '../../lib/requirement/read'
import { createScheme } from '../../lib/scheme'
import { apiKeyCookie, apiKeyHeader, apiKeyQuery } from '../../lib/schemes/api-key'
import { httpBearer } from '../../lib/schemes/http'
import { mutualTLS } from '../../lib/schemes/mutual-tls'
import { oauth2PasswordBearer } from '../../lib/schemes/oauth2'

const registration = { explicit: false, errorSchema: undefined, warnOnce: () => {} }
const verify = (): boolean => true
const oauth2 = createScheme(oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' }, verify }), registration)
const header = createScheme(apiKeyHeader({ name: 'X-Key', verify }), registration)
const query = createScheme(apiKeyQuery({ name: 'key' }), registration)
const cookie = createScheme(apiKeyCookie({ name: 'sid' }), registration)
const anySite = createScheme(apiKeyCookie({ name: 'sid', schemeName: 'Any', trustedOrigins: '*' }), registration)
const certificate = createScheme(mutualTLS({ header: { name: 'Client-Cert', from: ['::1'], encoding: 'rfc9440' } }), registration)
const twin = createScheme(apiKeyQuery({ name: 'key' }), registration)
const odd = createScheme(httpBearer({ schemeName: 'constructor' }), registration)
const required = (...security: unknown[]): Requirement => readSecurity('x', security, registration)

const toSecurity = (list: Requirement, document: object): object[] => write(toPlan(list), document)

const REF = '#/components/schemas/AuthError'

function completeOperation (operation: DocumentObject, list: Requirement | null, document: DocumentObject): DocumentObject {
  const description: Description | null = list === null ? null : describe(list, document)
  return complete(operation, description, document, REF)
}

const v31 = { openapi: '3.1.0' }
const v30 = { openapi: '3.0.3' }
const responses = { 200: { description: 'Default Response' } }

t.test('security: one object for each alternative, {} last, no duplicates', async (t) => {
  t.strictSame(toSecurity(required({}, { scheme: oauth2, scopes: ['a'] }, [{ scheme: header }, { scheme: query }]), v31),
    [{ OAuth2PasswordBearer: ['a'] }, { APIKeyHeader: [], APIKeyQuery: [] }, {}])
  t.strictSame(toSecurity(required({ scheme: query }, { scheme: twin }), v31), [{ APIKeyQuery: [] }], 'two of one name')
  t.strictSame(toSecurity(required([{ scheme: query, scopes: ['a', 'b'] }, { scheme: header }], [{ scheme: header }, { scheme: twin, scopes: ['b', 'a'] }]), v31),
    [{ APIKeyQuery: ['a', 'b'], APIKeyHeader: [] }], 'in another order')
  t.strictSame(toSecurity(required([{ scheme: query, scopes: ['a'] }, { scheme: twin, scopes: ['b', 'a'] }]), v31), [{ APIKeyQuery: ['a', 'b'] }])
  t.equal(JSON.stringify(toSecurity(required({ scheme: odd }), v31)), '[{"constructor":[]}]')
  t.strictSame(describe([], v31), { definitions: [], security: [], refusals: {}, parameters: new Map() }, 'public')
})

t.test('only OAuth2 and OpenID Connect name scopes in OpenAPI 3.0', async (t) => {
  const both = required([{ scheme: oauth2, scopes: ['a'] }, { scheme: header, scopes: ['role'] }])
  t.strictSame(toSecurity(both, v30), [{ OAuth2PasswordBearer: ['a'], APIKeyHeader: [] }])
  t.strictSame(toSecurity(both, v31), [{ OAuth2PasswordBearer: ['a'], APIKeyHeader: ['role'] }])
  t.strictSame(toSecurity(both, { openapi: '3.2.0' }), [{ OAuth2PasswordBearer: ['a'], APIKeyHeader: ['role'] }])
})

t.test('a route without `security` gets [] only where the document has a security of its own', async (t) => {
  t.strictSame(completeOperation({ responses, security: [{ Lie: [] }] }, null, v31), { responses })
  t.strictSame(completeOperation({ responses }, null, { ...v31, security: [{ Own: [] }] }), { responses, security: [] })
  t.strictSame(completeOperation({ responses }, [], v31), { responses, security: [] })
})

t.test('401 wherever credentials are taken, 403 wherever a verify stands, the base\'s or a derived one', async (t) => {
  const statuses = (list: Requirement): string[] => Object.keys(completeOperation({ responses }, list, v31).responses)
  t.strictSame(statuses(required({ scheme: query })), ['200', '401'])
  t.strictSame(statuses(required({ scheme: query }, {})), ['200', '401'])
  t.strictSame(statuses(required({})), ['200'])
  t.strictSame(statuses(required({ scheme: query, scopes: ['a'] })), ['200', '401'], 'not verified')
  t.strictSame(statuses(required({ scheme: query.derive({ scopes: ['a'] }) })), ['200', '401'], 'derived, and not verified')
  t.strictSame(statuses(required({ scheme: query.derive({ verify }) })), ['200', '401', '403'])
  t.strictSame(statuses(required({ scheme: query }, { scheme: header })), ['200', '401', '403'], 'in any alternative')
  t.strictSame(statuses(required({ scheme: oauth2, scopes: ['a'] })), ['200', '401', '403'])
  const { responses: { 401: unauthorized, 403: forbidden } } = completeOperation({ responses }, required({ scheme: oauth2, scopes: ['a'] }), v31)
  const content = { 'application/json': { schema: { $ref: REF } } }
  const headers = { 'WWW-Authenticate': { description: 'A challenge for each scheme (RFC 9110 section 11.6.1)', schema: { type: 'string' } } }
  t.strictSame(unauthorized, { description: 'Not authenticated', headers, content })
  t.strictSame(forbidden, { description: 'Not enough permissions', content })
  const sent = completeOperation({ responses }, required({ scheme: cookie }), v31)
  t.strictSame(sent.responses[403], { description: 'Not enough permissions, or sent by a page of another origin', content }, 'of credentials that browsers send by themselves, verified or not')
  t.strictSame(statuses(required({ scheme: header }, { scheme: anySite })), ['200', '401', '403'])
  t.strictSame(statuses(required({ scheme: anySite })), ['200', '401'], 'not of those that every page may send')
  const { responses: { 401: another } } = completeOperation({ responses }, required({ scheme: oauth2 }), v31)
  t.not(another.headers, unauthorized.headers, 'YAML would write an alias')
})

t.test('the route\'s own responses stay', async (t) => {
  const list = required({ scheme: oauth2, scopes: ['a'] })
  const own = { description: 'Own' }
  t.strictSame(completeOperation({ responses: { 200: own, 401: own, 403: own } }, list, v31).responses, { 200: own, 401: own, 403: own })
  t.strictSame(completeOperation({ responses: { '4XX': own } }, list, v31).responses, { '4XX': own, 401: own, 403: own })
  t.strictSame(completeOperation({ responses: { '4xx': own } }, list, v31).responses, { '4xx': own, 401: own, 403: own })
  t.strictSame(completeOperation({ responses: { default: own } }, list, v31).responses, { default: own, 401: own, 403: own })
})

t.test('an operation without responses gets those of a refusal', async (t) => {
  t.strictSame(Object.keys(completeOperation({ summary: 'x' }, required({ scheme: query }), v31).responses), ['401'])
})

t.test('what security documents is no parameter', async (t) => {
  const parameters = [
    { in: 'header', name: 'x-key' }, { in: 'header', name: 'AUTHORIZATION' }, { in: 'header', name: 'x-other' },
    { in: 'query', name: 'key' }, { in: 'query', name: 'KEY' }, { in: 'cookie', name: 'sid' }, { in: 'path', name: 'key' }
  ]
  const rest = (list: Requirement): unknown[] | undefined => completeOperation({ responses, parameters }, list, v31).parameters?.map((parameter: any) => `${parameter.in} ${parameter.name}`)
  t.strictSame(rest(required({ scheme: header }, { scheme: query }, { scheme: cookie }, { scheme: oauth2 })), ['header x-other', 'query KEY', 'path key'])
  t.strictSame(rest(required({ scheme: query })), ['header x-key', 'header AUTHORIZATION', 'header x-other', 'query KEY', 'cookie sid', 'path key'])
  t.equal(rest(required({ scheme: certificate }))?.length, parameters.length, 'a certificate is no parameter')
  t.notOk('parameters' in completeOperation({ responses, parameters: parameters.slice(0, 1) }, required({ scheme: header }), v31))
})

t.test('a parameter that the route requires of every request stays, where security needs it not of each', async (t) => {
  const parameters = [{ in: 'header', name: 'x-key', required: true }, { in: 'query', name: 'key', required: false }]
  const rest = (...security: unknown[]): unknown => completeOperation({ responses, parameters }, required(...security), v31).parameters
  t.strictSame(rest({ scheme: header }, {}), parameters)
  t.strictSame(rest({ scheme: query }, {}), parameters.slice(0, 1))
  t.strictSame(rest({ scheme: header }, { scheme: query }), parameters.slice(0, 1))
  t.strictSame(rest([{ scheme: header }, { scheme: query }], { scheme: header }), undefined)
})

t.test('the schemes of a route', async (t) => {
  t.strictSame(describe(required([{ scheme: header }, { scheme: query }], {}), v31).definitions.map(({ name }) => name), ['APIKeyHeader', 'APIKeyQuery'])
})

t.test('parts in a route\'s config are put in, for 3.0 without const', async (t) => {
  const schema = { type: 'object', properties: { grant: { type: 'string', const: 'password' }, none: { const: null } }, example: null }
  const options = { config: { [kOperation]: { requestBody: { schema } } } }
  t.strictSame(partsOf(options, v31), { requestBody: { schema } })
  t.not((partsOf(options, v31) as any).requestBody, (partsOf(options, v31) as any).requestBody, 'new for each operation')
  t.strictSame(partsOf(options, v30), {
    requestBody: { schema: { type: 'object', properties: { grant: { type: 'string', enum: ['password'] }, none: { enum: [null] } }, example: null } }
  })
  for (const other of [undefined, {}, { config: {} }]) t.strictSame(partsOf(other, v31), {})
})
