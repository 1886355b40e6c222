/** The documents and the responses are the same with the lowest supported versions of the hosts and with the latest. */

import t, { type Test } from 'tap'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CROSS_SITE, INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED } from './helpers'

interface Application {
  /** The document as JSON and as YAML, each read twice. */
  readonly json: readonly any[]
  readonly yaml: readonly any[]
  /** The `security` of each operation, as the user's `transformObject` saw it. */
  readonly seen: Readonly<Record<string, unknown>>
  readonly audit: Readonly<Record<string, unknown>>
  readonly responses: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}
interface Output { readonly applications: Readonly<Record<string, Application>>, readonly refusals: unknown }

const SCHEMES = [
  'APIKeyCookie', 'APIKeyHeader', 'APIKeyQuery', 'HTTPBasic', 'HTTPBearer', 'HTTPDigest', 'Lenient',
  'OAuth2AuthorizationCodeBearer', 'OAuth2PasswordBearer', 'OpenIdConnect', 'Other'
]
const refusal = (body: { statusCode: number }, challenge: string): object =>
  ({ status: body.statusCode, challenges: [challenge], ran: false, body: JSON.stringify(body) })
const NOT_FOUND = JSON.stringify({ message: 'Route GET:/none not found', error: 'Not Found', statusCode: 404 })

const directory = mkdtempSync(join(tmpdir(), 'hosts-'))
t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })

t.test('all supported hosts', async (t) => {
  const host = await import(join(__dirname, 'hosts/host.mjs'))
  const expected: Output = await host.outputOf()

  await t.test('the repository itself', async (t) => {
    t.equal(Object.keys(expected.applications).length, 8)
    for (const [title, application] of Object.entries(expected.applications)) {
      await t.test(title, async (t) => { assertDocuments(t, application, title.endsWith('options of the user')) })
      await t.test(`${title}: responses`, async (t) => { assertResponses(t, application) })
    }
    t.strictSame(expected.refusals, {
      'an unknown scheme by name': 'FST_AUTH_UNKNOWN_SCHEME',
      'an unknown scope': 'FST_AUTH_UNKNOWN_SCOPE',
      'a string for a list': 'FST_AUTH_BAD_SECURITY',
      'a route that is older than the plugin, in a secured context': 'FST_AUTH_UNGUARDED_ROUTE',
      'a route outside the context of the plugin': 'FST_AUTH_UNGUARDED_ROUTE',
      'an undeclared route, with explicit': 'FST_AUTH_UNDECLARED_ROUTE'
    })
  })

  const packed = await host.pack(directory)
  for (const [name, versions] of Object.entries({ lowest: host.LOWEST, latest: host.LATEST })) {
    await t.test(`the packed package with the ${name} versions: ${JSON.stringify(versions)}`, async (t) => {
      const project = join(directory, name)
      await host.createHost(project, packed, versions)
      const output: Output = await host.outputOf(project)
      for (const [title, application] of Object.entries(expected.applications)) {
        for (const part of Object.keys(application) as Array<keyof Application>) {
          t.equal(host.firstDifference(application[part], output.applications[title]?.[part], part), null, title)
        }
      }
      t.equal(host.firstDifference(expected, output), null, 'all of it')
    })
  }

  await t.test('the types compile with the lowest versions', async (t) => {
    const project = join(directory, 'lowest')
    cpSync(join(__dirname, 'consumers/typed-import.mts'), join(project, 'typed-import.mts'))
    const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node']
    await t.resolves(host.run(process.execPath, [compiler, ...options, 'typed-import.mts'], project))
  })
})

function assertDocuments (t: Test, { json, yaml, seen }: Application, hasOptionsOfUser: boolean): void {
  const [document, again] = json
  const security = (path: string, method = 'get'): unknown => document.paths[path][method].security
  const statuses = (path: string): string[] => Object.keys(document.paths[path].get.responses)
  t.equal(document.error, undefined)
  t.strictSame([again, ...yaml], [document, document, document], 'JSON and YAML, read twice')
  t.notMatch(JSON.stringify(document), /x-fastify-auth-schemes/, 'no marks')
  const schemes = hasOptionsOfUser ? [...SCHEMES, 'Own'] : SCHEMES
  t.strictSame(Object.keys(document.components.securitySchemes).sort(), [...schemes].sort())
  t.strictSame(security('/scoped'), [{ OAuth2PasswordBearer: ['read'] }])
  t.strictSame(statuses('/scoped'), ['200', '401', '403'])
  t.strictSame(security('/optional'), [{ OAuth2PasswordBearer: ['write'] }, {}])
  t.strictSame(security('/both'), [{ APIKeyHeader: [], OAuth2PasswordBearer: ['write'] }])
  t.strictSame(security('/by-name'), [{ OAuth2PasswordBearer: ['read'] }, { HTTPBasic: [] }])
  t.strictSame(security('/items/deep/'), [{ OAuth2PasswordBearer: ['read'], APIKeyHeader: [] }])
  t.strictSame(security('/methods', 'put'), [{ APIKeyHeader: [] }])
  t.strictSame(security('/methods', 'patch'), [{ APIKeyHeader: [] }])
  t.strictSame(security('/versions'), [{ OAuth2PasswordBearer: ['write'] }])
  t.strictSame(security('/hidden-version'), [], 'a hidden version adds nothing')
  t.strictSame(security('/public'), [])
  t.strictSame(statuses('/public'), ['200'])
  t.strictSame(security('/undeclared'), hasOptionsOfUser ? [] : undefined)
  t.notOk('/hidden' in document.paths)
  if (!hasOptionsOfUser) return
  t.notOk('/hidden-by-transform' in document.paths)
  t.strictSame(security('/version-hidden-by-transform'), [], 'a version that transform hides adds nothing')
  t.strictSame(security('/new-name'), [{ APIKeyHeader: [] }])
  t.strictSame(security('/head', 'head'), [{ OAuth2PasswordBearer: ['read'] }])
  t.strictSame(seen['get /scoped'], [{ OAuth2PasswordBearer: ['read'] }], 'transformObject sees complete operations')
  t.equal(document['x-transformed'], true)
}

function assertResponses (t: Test, { responses }: Application): void {
  const response = (route: string, request: string): any => responses[route]?.[request]
  const ofBearer = (parameters: string): string => `Bearer realm="Items", ${parameters}`
  t.strictSame(response('GET /scoped', 'none'), refusal(NOT_AUTHENTICATED, ofBearer('scope="read"')))
  t.strictSame(response('GET /scoped', 'bearer refused'),
    refusal(INVALID_CREDENTIALS, ofBearer('error="invalid_token", scope="read"')))
  t.strictSame(response('GET /optional', 'bearer insufficient'),
    refusal(INSUFFICIENT_SCOPE, ofBearer('error="insufficient_scope", scope="write"')))
  t.strictSame(response('GET /schemes/basic', 'basic malformed'),
    refusal(NOT_AUTHENTICATED, 'Basic realm="The \\"items\\""'))
  t.strictSame(response('GET /schemes/cookie', 'cookie good, of another page'),
    { status: 403, challenges: [], ran: false, body: JSON.stringify(CROSS_SITE) })
  t.equal(response('GET /schemes/cookie', 'cookie good, of the own page').status, 200)
  t.strictSame(response('GET /hidden', 'none'), refusal(NOT_AUTHENTICATED, 'APIKey'))
  t.equal(response('GET /versions 2.0.0', 'bearer refused').status, 401)
  t.equal(response('HEAD /scoped', 'none').status, 401)
  t.strictSame(response('GET /none', 'none'), { status: 404, challenges: [], ran: false, body: NOT_FOUND })
  t.equal(response('GET /scoped', 'bearer good').status, 200)
  t.equal(response('GET /scoped', 'bearer good').ran, true)
  t.equal(JSON.parse(response('GET /scoped', 'bearer good').body).auth.token, 'good')
  t.strictSame(response('GET /public', 'none'), { status: 200, challenges: [], ran: true, body: '{"auth":null}' })
}
