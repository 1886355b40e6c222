/** Transforms, routes that share an operation, and routes that were never seen. */

import t from 'tap'
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import { authSchemes } from '../../lib'
import { ERROR_SCHEMA } from '../../lib/openapi/operation'
import { createApp, documentOf, openapi31 } from '../helpers'
import { handler, operationsIn } from './helpers'

t.test('transform and transformObject of the user go on working', async (t) => {
  const seen: unknown[] = []
  const app = await createApp({
    swagger: {
      ...openapi31,
      transform: ({ schema, url, openapiObject }: any) => {
        openapiObject.components.schemas = { ...openapiObject.components.schemas, Foo: { type: 'object' } }
        return { schema: { ...schema, description: 'transformed' }, url: url === '/moved' ? '/elsewhere' : url }
      },
      transformObject: ({ openapiObject }: any) => {
        seen.push(operationsIn(openapiObject))
        openapiObject.components.securitySchemes.Extra = { type: 'http', scheme: 'basic' }
        openapiObject.components.securitySchemes.HTTPBearer.description = 'edited'
        return openapiObject
      }
    }
  })
  const scheme = app.authSchemes.httpBearer()
  app.get('/a', { security: [{ scheme }] }, handler)
  app.get('/moved', { security: [{ scheme }, {}] }, handler)
  app.get('/own', { security: [{ scheme }], config: { swaggerTransform: ({ url }: any) => ({ schema: { summary: 'Own' }, url }) } }, handler)
  await app.ready()
  const expected = { 'get /a': [[{ HTTPBearer: [] }], '200,401'], 'get /elsewhere': [[{ HTTPBearer: [] }, {}], '200,401'], 'get /own': [[{ HTTPBearer: [] }], '200,401'] }
  for (let i = 0; i < 2; i++) {
    const document = documentOf(app)
    t.strictSame(operationsIn(document), expected)
    t.equal(document.paths['/a'].get.description, 'transformed')
    t.strictSame(document.components.securitySchemes, { HTTPBearer: { type: 'http', scheme: 'bearer', description: 'edited' }, Extra: { type: 'http', scheme: 'basic' } })
    t.strictSame(document.components.schemas, { Foo: { type: 'object' }, AuthError: ERROR_SCHEMA })
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  t.strictSame(seen, [expected], 'transformObject sees the finished document')
})

t.test('a transform that builds new schemas loses nothing', async (t) => {
  const app = await createApp({ swagger: { ...openapi31, transform: ({ schema, url }: any) => ({ schema: { summary: schema?.summary }, url }) } })
  const scheme = app.authSchemes.httpBearer()
  app.get('/a/:id', { security: [{ scheme }], schema: { summary: 'A' } }, handler)
  app.get('/b', handler)
  await app.ready()
  t.strictSame(operationsIn(documentOf(app)), { 'get /a/{id}': [[{ HTTPBearer: [] }], '200,401'], 'get /b': [undefined, '200'] })
  t.equal(documentOf(app).paths['/a/{id}'].get.summary, 'A')
})

t.test('a document may be frozen as soon as it is there', async (t) => {
  const app = await createApp({ swagger: { ...openapi31, transformObject: ({ openapiObject }: any) => Object.freeze(Object.freeze(openapiObject.components) && openapiObject) } })
  app.get('/a', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
  await app.ready()
  t.strictSame(operationsIn(documentOf(app)), { 'get /a': [[{ HTTPBearer: [] }], '200,401'] })
  await new Promise((resolve) => { setImmediate(resolve) })
  t.strictSame(operationsIn(documentOf(app)), { 'get /a': [[{ HTTPBearer: [] }], '200,401'] })
})

t.test('the document may be asked for in an onReady hook that is older than the plugin', async (t) => {
  const app = Fastify()
  await app.register(swagger, openapi31)
  app.addHook('onReady', async () => { t.strictSame(operationsIn(app.swagger()), { 'get /a': [[{ HTTPBearer: [] }], '200,401'] }) })
  await app.register(authSchemes)
  app.get('/a', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
  await app.ready()
  t.plan(1)
})

t.test('routes that share one operation show what opens them all', async (t) => {
  const app = await createApp({ swagger: { openapi: { ...openapi31.openapi, servers: [{ url: '/api' }] } } })
  const { httpBearer, apiKeyHeader } = app.authSchemes
  const [token, key] = [[{ scheme: httpBearer() }], [{ scheme: apiKeyHeader({ name: 'k' }) }]]
  app.get('/version', { security: token, constraints: { version: '1.0.0' } }, handler)
  app.get('/version', { security: [], constraints: { version: '2.0.0' } }, handler)
  app.get('/reverse', { security: [], constraints: { version: '1.0.0' } }, handler)
  app.get('/reverse', { security: token, constraints: { version: '2.0.0' } }, handler)
  app.get('/hidden', { security: token, constraints: { host: 'a' } }, handler)
  app.get('/hidden', { security: key, schema: { hide: true }, constraints: { host: 'b' } }, handler)
  app.get('/host', { security: token, constraints: { host: 'a' } }, handler)
  app.get('/host', { security: key, constraints: { host: 'b' } }, handler)
  app.get('/host', { constraints: { host: 'c' } }, handler)
  app.get('/x/:id(^\\d+$)', { security: token }, handler)
  app.get('/x/:id', { security: [] }, handler)
  app.get('/api/y', { security: token }, handler)
  app.get('/y', { security: [] }, handler)
  app.get('/free', { constraints: { version: '1.0.0' } }, handler)
  app.get('/free', { security: [], constraints: { version: '2.0.0' } }, handler)
  await app.ready()
  const document = documentOf(app)
  t.strictSame(Object.fromEntries(Object.entries<any>(document.paths).map(([path, { get }]) => [path, get.security])), {
    '/version': [{ HTTPBearer: [] }],
    '/reverse': [{ HTTPBearer: [] }],
    '/hidden': [{ HTTPBearer: [] }],
    '/host': [{ HTTPBearer: [], APIKeyHeader: [] }],
    '/x/{id}': [{ HTTPBearer: [] }],
    '/y': [{ HTTPBearer: [] }],
    '/free': []
  })
})

t.test('a transform may hide routes that have no schema', async (t) => {
  const transform = ({ schema, url }: any): any => schema === undefined ? { schema: { hide: true }, url } : { schema, url }
  const app = await createApp({ swagger: { ...openapi31, transform } })
  app.get('/bare', handler)
  app.get('/shown', { schema: { summary: 'Shown' } }, handler)
  await app.ready()
  t.strictSame(Object.keys(documentOf(app).paths), ['/shown'])
})

t.test('without stripBasePath the routes below a server\'s path are their own', async (t) => {
  const app = await createApp({ swagger: { openapi: { ...openapi31.openapi, servers: [{ url: '/api' }] }, stripBasePath: false } })
  app.get('/api/y', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
  app.get('/y', { security: [] }, handler)
  await app.ready()
  t.strictSame(operationsIn(documentOf(app)), { 'get /api/y': [[{ HTTPBearer: [] }], '200,401'], 'get /y': [[], '200'] })
})

t.test('an operation of a route that was never seen must not show a lock that nothing enforces', async (t) => {
  const app = Fastify()
  await app.register(swagger, { openapi: { ...openapi31.openapi, components: { securitySchemes: { HTTPBearer: { type: 'http', scheme: 'bearer' }, Own: { type: 'http', scheme: 'x' } } } } })
  app.get('/own', { schema: { security: [{ Own: [] }] } }, handler)
  app.get('/plain', handler)
  app.get('/early', { schema: { security: [{ HTTPBearer: [] }] } }, handler)
  await app.register(authSchemes)
  app.authSchemes.httpBearer()
  await app.ready()
  t.throws(() => app.swagger(), {
    code: 'FST_AUTH_UNGUARDED_ROUTE',
    message: 'Cannot enforce `security` on get /early: await the registration of fastify-auth-schemes before the route is declared'
  })
})

t.test('routes that share an operation and a requirement are not combined once more', async (t) => {
  const app = await createApp({ server: { exposeHeadRoutes: false } })
  const security = [{ scheme: app.authSchemes.httpBearer() }, { scheme: app.authSchemes.apiKeyHeader({ name: 'k' }) }]
  for (let i = 0; i < 30; i++) app.get('/x', { security, constraints: { version: `${i}.0.0` } }, handler)
  await app.ready()
  t.strictSame(documentOf(app).paths['/x'].get.security, [{ HTTPBearer: [] }, { APIKeyHeader: [] }])
})

t.test('two registrations may not call different schemes the same', async (t) => {
  const app = Fastify()
  await app.register(swagger, openapi31)
  for (const name of ['x-a', 'x-b']) {
    app.register(async (child) => {
      await child.register(authSchemes)
      child.get(`/${name}`, { security: [{ scheme: child.authSchemes.apiKeyHeader({ name }) }] }, handler)
    })
  }
  await app.ready()
  t.throws(() => app.swagger(), { code: 'FST_AUTH_DUPLICATE_SCHEME' })
})

t.test('a route that was never seen does not take a lock from the root of the document', async (t) => {
  const app = Fastify()
  await app.register(swagger, { openapi: { ...openapi31.openapi, components: { securitySchemes: { HTTPBearer: { type: 'http', scheme: 'bearer' } } }, security: [{ HTTPBearer: [] }] } })
  app.get('/early', handler)
  await app.register(authSchemes)
  app.authSchemes.httpBearer()
  await app.ready()
  t.strictSame(operationsIn(documentOf(app)), { 'get /early': [[], '200'] })
  t.equal((await app.inject('/early')).statusCode, 200)
})
