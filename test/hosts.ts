/** The lowest versions of Fastify, @fastify/swagger and @fastify/cookie, and the latest: the same documents, the same responses. */

import t, { type Test } from 'tap'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

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
  'APIKeyCookie', 'APIKeyHeader', 'APIKeyQuery', 'HTTPBasic', 'HTTPBearer', 'HTTPDigest', 'Lenient', 'OAuth2AuthorizationCodeBearer',
  'OAuth2PasswordBearer', 'OpenIdConnect', 'Other'
]
const refusal = (status: number, challenge: string, code: string, message: string): object => ({
  status,
  challenges: [challenge],
  ran: false,
  body: JSON.stringify({ statusCode: status, code, error: status === 401 ? 'Unauthorized' : 'Forbidden', message })
})
const NOT_FOUND = JSON.stringify({ message: 'Route GET:/none not found', error: 'Not Found', statusCode: 404 })

const directory = mkdtempSync(join(tmpdir(), 'hosts-'))
t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })

t.test('all supported hosts', async (t) => {
  const { LATEST, LOWEST, createHost, firstDifference, outputOf, pack, run } = await import(join(__dirname, 'hosts/host.mjs'))
  const expected: Output = await outputOf()

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

  const packed = await pack(directory)
  for (const [name, versions] of Object.entries({ lowest: LOWEST, latest: LATEST })) {
    await t.test(`the packed package with the ${name} versions: ${JSON.stringify(versions)}`, async (t) => {
      const project = join(directory, name)
      await createHost(project, packed, versions)
      const output: Output = await outputOf(project)
      for (const [title, application] of Object.entries(expected.applications)) {
        for (const part of Object.keys(application) as Array<keyof Application>) {
          t.equal(firstDifference(application[part], output.applications[title]?.[part]), null, `${title}: ${part}`)
        }
      }
      t.equal(firstDifference(expected, output), null, 'all of it')
    })
  }

  await t.test('the types compile with the lowest versions', async (t) => {
    const project = join(directory, 'lowest')
    cpSync(join(__dirname, 'consumers/typed-import.mts'), join(project, 'typed-import.mts'))
    const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node']
    await t.resolves(run(process.execPath, [compiler, ...options, 'typed-import.mts'], project))
  })
})

function assertDocuments (t: Test, { json: [document, again], yaml, seen }: Application, hasOptionsOfUser: boolean): void {
  const security = (path: string, method = 'get'): unknown => document.paths[path][method].security
  const statuses = (path: string): string[] => Object.keys(document.paths[path].get.responses)
  t.strictSame([again, ...yaml], [document, document, document], 'JSON and YAML, read twice')
  t.notMatch(JSON.stringify(document), /x-fastify-auth-schemes/, 'no marks')
  t.strictSame(Object.keys(document.components.securitySchemes).sort(), [...SCHEMES, ...hasOptionsOfUser ? ['Own'] : []].sort())
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
  t.strictSame(response('GET /scoped', 'none'),
    refusal(401, 'Bearer realm="Items", scope="read"', 'FST_AUTH_NOT_AUTHENTICATED', 'Not authenticated'))
  t.strictSame(response('GET /scoped', 'bearer refused'),
    refusal(401, 'Bearer realm="Items", error="invalid_token", scope="read"', 'FST_AUTH_INVALID_CREDENTIALS', 'Invalid authentication credentials'))
  t.strictSame(response('GET /optional', 'bearer insufficient'),
    refusal(403, 'Bearer realm="Items", error="insufficient_scope", scope="write"', 'FST_AUTH_INSUFFICIENT_SCOPE', 'Not enough permissions'))
  t.strictSame(response('GET /schemes/basic', 'basic malformed'),
    refusal(401, 'Basic realm="The \\"items\\""', 'FST_AUTH_NOT_AUTHENTICATED', 'Not authenticated'))
  t.strictSame(response('GET /hidden', 'none'), refusal(401, 'APIKey', 'FST_AUTH_NOT_AUTHENTICATED', 'Not authenticated'))
  t.strictSame(response('GET /versions 2.0.0', 'bearer refused').status, 401)
  t.strictSame(response('GET /none', 'none'), { status: 404, challenges: [], ran: false, body: NOT_FOUND })
  t.strictSame(response('HEAD /scoped', 'none').status, 401)
  t.equal(response('GET /scoped', 'bearer good').status, 200)
  t.equal(response('GET /scoped', 'bearer good').ran, true)
  t.equal(JSON.parse(response('GET /scoped', 'bearer good').body).auth.token, 'good')
  t.strictSame(response('GET /public', 'none'), { status: 200, challenges: [], ran: true, body: '{"auth":null}' })
}
