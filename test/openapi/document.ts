import t from 'tap'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import { parse } from 'yaml'
import { authSchemes } from '../../lib'
import { ERROR_SCHEMA } from '../../lib/openapi/operation'
import { createApp, documentOf, openapi30, openapi31 } from '../helpers'
import { assertValid, handler, operationsIn } from './helpers'

t.test('what is documented is what answers, in JSON and YAML, 3.0 and 3.1, whichever plugin came first', async (t) => {
  for (const document of [openapi30, openapi31]) {
    for (const swaggerFirst of [true, false]) {
      const app = Fastify()
      if (swaggerFirst) await app.register(swagger, document)
      await app.register(authSchemes)
      if (!swaggerFirst) await app.register(swagger, document)
      const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A' }, description: 'Log in', verify: (token) => ({ scope: token }) })
      app.get('/locked', { security: [{ scheme, scopes: ['a'] }], schema: { summary: 'Locked', response: { 200: { type: 'string' } } } }, handler)
      app.get('/open', handler)
      await app.ready()
      const json = documentOf(app)
      t.strictSame(parse(app.swagger({ yaml: true }) as unknown as string), json)
      t.notMatch(app.swagger({ yaml: true }), /[&*]a\d/, 'no aliases')
      await assertValid(json)
      t.strictSame(operationsIn(json), { 'get /locked': [[{ OAuth2PasswordBearer: ['a'] }], '200,401,403'], 'get /open': [undefined, '200'] })
      t.strictSame(json.components, {
        schemas: { AuthError: ERROR_SCHEMA },
        securitySchemes: { OAuth2PasswordBearer: { type: 'oauth2', description: 'Log in', flows: { password: { tokenUrl: 'token', scopes: { a: 'A' } } } } }
      })
      for (const [url, token, status] of [['/locked', undefined, 401], ['/locked', 'b', 403], ['/locked', 'a', 200], ['/open', undefined, 200]] as const) {
        t.equal((await app.inject({ url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })).statusCode, status)
      }
    }
  }
})

t.test('only the schemes that documented routes use are declared, beside those that the user wrote', async (t) => {
  const own = { type: 'http', scheme: 'basic' } as const
  const components = { securitySchemes: { Own: own }, schemas: { Kept: { type: 'string' } } } as const
  const app = await createApp({ swagger: { openapi: { ...openapi31.openapi, components: structuredClone(components) as any } } })
  const { httpBearer, httpBasic, apiKeyHeader } = app.authSchemes
  app.get('/a', { security: [{ scheme: httpBearer() }] }, handler)
  app.get('/hidden', { schema: { hide: true }, security: [{ scheme: httpBasic() }] }, handler)
  app.get('/same', { security: [{ scheme: httpBasic({ schemeName: 'Own' }) }] }, handler)
  apiKeyHeader({ name: 'unused' })
  await app.ready()
  t.strictSame(documentOf(app).components, { schemas: { Kept: { type: 'string' }, AuthError: ERROR_SCHEMA }, securitySchemes: { Own: own, HTTPBearer: { type: 'http', scheme: 'bearer' } } })
  t.equal((await app.inject('/hidden')).statusCode, 401)
})

t.test('a scheme that the user wrote differently is an error', async (t) => {
  const app = await createApp({ swagger: { openapi: { components: { securitySchemes: { HTTPBearer: { type: 'http', scheme: 'basic' } } } } } })
  app.get('/a', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
  await t.rejects(async () => { await app.ready() }, {
    code: 'FST_AUTH_DUPLICATE_SCHEME',
    message: 'Two security schemes are called "HTTPBearer" and differ in the OpenAPI document: give one of them another `schemeName`'
  })
})

const header = { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'rfc9440' } as const
const NEEDS_31 = {
  code: 'FST_AUTH_BAD_SECURITY',
  message: 'the document of OpenAPI 3.0.3: "Partner" is of the type mutualTLS, which came with 3.1; give @fastify/swagger the option `openapi: { openapi: \'3.1.0\' }`'
}

t.test('a client certificate is documented in OpenAPI 3.1', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.mutualTLS({ header, description: 'Ask for one', verify: ({ subject }) => subject })
  app.get('/a', { security: [{ scheme, scopes: ['x'] }] }, handler)
  await app.ready()
  const document = documentOf(app)
  await assertValid(document)
  t.strictSame(operationsIn(document), { 'get /a': [[{ MutualTLS: ['x'] }], '200,401,403'] })
  t.strictSame(document.components.securitySchemes, { MutualTLS: { type: 'mutualTLS', description: 'Ask for one' } })
})

for (const version of [{ openapi: '3.0.3' }, {}]) {
  t.test(`a client certificate that a document of OpenAPI 3.0 would leave out is an error: ${JSON.stringify(version)}`, async (t) => {
    const build = async (): Promise<[FastifyInstance, any]> => {
      const app = await createApp({ swagger: { openapi: { info: { title: 'Test', version: '1.0.0' }, ...version } } })
      return [app, app.authSchemes.mutualTLS({ header, schemeName: 'Partner', verify: () => true })]
    }
    const [app, scheme] = await build()
    app.get('/a', { security: [{ scheme }, {}] }, handler)
    await t.rejects(async () => { await app.ready() }, NEEDS_31)
    await t.rejects(Promise.resolve(app.inject('/a')), NEEDS_31)

    const [hidden, hiddenScheme] = await build()
    hidden.get('/a', { schema: { hide: true }, security: [{ scheme: hiddenScheme }] }, handler)
    await hidden.ready()
    t.strictSame(documentOf(hidden).paths, {}, 'a hidden route is no error')
    t.equal((await hidden.inject('/a')).statusCode, 401)

    const [unused] = await build()
    unused.get('/a', handler)
    await unused.ready()
    t.strictSame(documentOf(unused).components, { schemas: {} }, 'nor a scheme that no route requires')
  })
}

t.test('a document of OpenAPI 3.0 fails whenever it comes to a client certificate, and another context does not matter', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  const scheme = app.authSchemes.mutualTLS({ header, schemeName: 'Partner', verify: () => true })
  app.get('/partner', { security: [{ scheme }] }, handler)
  await app.register(async (child) => {
    await child.register(swagger, openapi30)
    child.get('/child', { security: [] }, handler)
    child.get('/document', { security: [], schema: { hide: true } }, async () => child.swagger())
  })
  await app.ready()
  t.strictSame(Object.keys((await app.inject('/document')).json().paths), ['/child'])

  const root = await createApp({ swagger: { openapi: { ...openapi30.openapi, security: [{ Partner: [] }] } } })
  root.authSchemes.mutualTLS({ header, schemeName: 'Partner', verify: () => true })
  await root.ready()
  t.throws(() => root.swagger(), NEEDS_31)
})

t.test('a security at the root of the document holds for no route that does not say so', async (t) => {
  const app = await createApp({ swagger: { openapi: { ...openapi31.openapi, security: [{ HTTPBearer: [] }, { Unknown: [] }], components: { securitySchemes: { Unknown: { type: 'http', scheme: 'x' } } } } } })
  const scheme = app.authSchemes.httpBearer()
  app.get('/silent', handler)
  app.get('/public', { security: [] }, handler)
  await app.ready()
  t.strictSame(operationsIn(documentOf(app)), { 'get /silent': [[], '200'], 'get /public': [[], '200'] })
  t.strictSame(Object.keys(documentOf(app).components.securitySchemes), ['Unknown', scheme.name])
})

t.test('HEAD routes, arrays of methods and app.all', async (t) => {
  for (const swaggerFirst of [true, false]) {
    const app = Fastify()
    const options = { ...openapi31, exposeHeadRoutes: true }
    if (swaggerFirst) await app.register(swagger, options)
    await app.register(authSchemes)
    if (!swaggerFirst) await app.register(swagger, options)
    const security = [{ scheme: app.authSchemes.httpBearer() }]
    app.get('/twin', { security, schema: { operationId: 'twin' } }, handler)
    app.get('/plain', { security }, handler)
    app.get('/public', { security: [], schema: { operationId: 'public' } }, handler)
    app.head('/alone', { security, schema: { operationId: 'alone' } }, handler)
    app.get('/hidden', { security, schema: { hide: true, operationId: 'hidden' }, exposeHeadRoute: false }, handler)
    app.head('/hidden', { security, schema: { operationId: 'head' } }, handler)
    app.route({ method: ['PUT', 'PATCH'], url: '/several', security, handler })
    await app.ready()
    const locked = [[{ HTTPBearer: [] }], '200,401']
    t.strictSame(operationsIn(documentOf(app)), {
      'get /twin': locked,
      'head /twin': locked,
      'get /plain': locked,
      'head /plain': locked,
      'get /public': [[], '200'],
      'head /public': [[], '200'],
      'head /alone': locked,
      'head /hidden': locked,
      'put /several': locked,
      'patch /several': locked
    })
  }
})

t.test('methods beyond the usual are documented where OpenAPI has a place for them', async (t) => {
  const app = Fastify()
  app.addHttpMethod('LOCK')
  await app.register(swagger, { openapi: { openapi: '3.2.0' as '3.1.0', info: openapi31.openapi.info } })
  await app.register(authSchemes)
  app.route({ method: 'LOCK' as 'GET', url: '/a', security: [{ scheme: app.authSchemes.httpBearer() }], handler })
  await app.ready()
  t.strictSame(documentOf(app).paths['/a'].additionalOperations.LOCK.security, [{ HTTPBearer: [] }])
})

t.test('parameters that are credentials are not listed again, and the run-time schemas stay as they are', async (t) => {
  const app = await createApp()
  const schema = {
    headers: { type: 'object', properties: { 'X-Key': { type: 'string' }, 'x-other': { type: 'string' } } },
    querystring: { type: 'object', properties: { page: { type: 'integer' } } }
  }
  app.get('/a', { security: [{ scheme: app.authSchemes.apiKeyHeader({ name: 'x-key' }) }], schema }, async (request) => request.query)
  app.setErrorHandler((error: any, _request, reply) => { reply.code(error.statusCode).send({ own: true }) })
  await app.ready()
  t.strictSame(documentOf(app).paths['/a'].get.parameters.map(({ name }: any) => name), ['page', 'x-other'])
  t.strictSame((await app.inject('/a')).json(), { own: true }, 'no schema reshapes the answer of a custom error handler')
  t.strictSame((await app.inject({ url: '/a?page=2', headers: { 'x-key': 'k' } })).json(), { page: 2 })
})

t.test('Swagger 2.0, which cannot document this, is logged once and not broken', async (t) => {
  const warnings: string[] = []
  const app: FastifyInstance = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => { warnings.push(JSON.parse(line).msg) } } } })
  await app.register(swagger, openapi31)
  await app.register(swagger, { swagger: { info: openapi31.openapi.info }, decorator: 'swagger2' as 'swagger' })
  await app.register(authSchemes)
  app.authSchemes.httpBearer()
  app.get('/a', { schema: { summary: 'A', security: [{ HTTPBearer: [] }] } }, handler)
  app.get('/b', { security: [] }, handler)
  await app.ready()
  const { swagger2 } = app as unknown as { swagger2: (options?: object) => any }
  t.strictSame(operationsIn(app.swagger()), { 'get /a': [[{ HTTPBearer: [] }], '200,401'], 'get /b': [[], '200'] })
  const document = JSON.parse(JSON.stringify(swagger2()))
  t.equal(document.swagger, '2.0')
  t.equal(document.paths['/a'].get.summary, 'A')
  t.notMatch(JSON.stringify(document), /fastify-auth-schemes/)
  swagger2({ yaml: true })
  t.strictSame(warnings, ['routes require "HTTPBearer", whose credentials are not verified: give the scheme a `verify`, or `verify: false` where the handler verifies them', 'fastify-auth-schemes enforces `security`, but cannot document it in Swagger 2.0: give @fastify/swagger the option `openapi`'])
  t.equal((await app.inject('/a')).statusCode, 401)
})

t.test('nothing of the plugin but the documented is left in a document', async (t) => {
  const app = await createApp()
  app.get('/a', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
  app.get('/b', handler)
  await app.ready()
  const document = JSON.stringify(app.swagger())
  t.notMatch(document, /fastify-auth-schemes|"x-/)
})
